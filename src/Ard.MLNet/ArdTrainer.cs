using Ard.Trainers.Objectives;
using Microsoft.ML;

namespace Ard.MLNet;

/// <summary>
/// Adversarially robust distillation (Goldblum, Fowl, Feizi and Goldstein, AAAI 2020) as an estimator: trains a small network, the student,
/// on adversarial images with the help of a robust teacher. Every other method of <see cref="ObjectiveCatalog"/>, or one of your own, is
/// <see cref="ImageTrainerOptions.Method"/> away.
/// </summary>
public sealed class ArdTrainer : ImageTrainer
{
    /// <summary>The settings of <see cref="ArdTrainer"/>.</summary>
    public sealed record Options : ImageTrainerOptions
    {
        /// <summary>Settings with all defaults: the method is ard, as its released code computes it.</summary>
        public Options() : base("ard")
        {
        }

        /// <summary>
        /// The teacher: a fitted classifier, a module, a pipeline (<see cref="TeacherNetwork.From"/>) or a file
        /// (<see cref="TeacherNetwork.FromFile"/>). Default null, for methods that need none.
        /// </summary>
        public TeacherNetwork? Teacher { get; init; }

        /// <summary>
        /// The second teacher, for methods that need one for clean images, such as mtard: the same kinds as <see cref="Teacher"/>. Default
        /// null.
        /// </summary>
        public TeacherNetwork? NaturalTeacher { get; init; }

        private protected override IEnumerable<string> MethodFaults(Objective objective)
        {
            if (objective.NeedsTeacher && Teacher is null) yield return $"Teacher is missing, the method {objective.Name} needs one";
            if (objective.NeedsNaturalTeacher && NaturalTeacher is null)
                yield return $"NaturalTeacher is missing, the method {objective.Name} needs one";
        }
    }

    internal ArdTrainer(MLContext mlContext, Options options) : base(mlContext, options, options?.Teacher, options?.NaturalTeacher)
    {
    }
}
