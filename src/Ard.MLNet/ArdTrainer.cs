using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
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

    /// <summary>Makes the estimator.</summary>
    /// <param name="mlContext">The context; its seed decides whatever chance decides.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public ArdTrainer(MLContext mlContext, Options options) : base(mlContext, options, options?.Teacher, options?.NaturalTeacher)
    {
    }

    /// <summary>Makes the estimator with the defaults of <see cref="Options"/>.</summary>
    /// <param name="mlContext">The context; its seed decides whatever chance decides.</param>
    /// <param name="network">The student, such as <c>"mobilenetv2"</c>.</param>
    /// <param name="teacher">
    /// The teacher, such as a fitted <see cref="ImageClassifierTransformer"/>, or <see cref="TeacherNetwork.From"/> a pipeline.
    /// </param>
    /// <param name="labelColumnName">The column of labels, a key.</param>
    /// <param name="featureColumnName">The column of images, or of vectors of floats or bytes.</param>
    /// <param name="epochs">How often every image is seen. Default by the images: <see cref="TrainingOptions.Epochs"/>.</param>
    public ArdTrainer(
        MLContext mlContext, NetworkDefinition network, TeacherNetwork teacher, string labelColumnName = "Label",
        string featureColumnName = "Features", int? epochs = null)
        : this(mlContext, new Options
        {
            Network = network,
            Teacher = teacher,
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            Training = new TrainingOptions { Epochs = epochs },
        })
    {
    }
}
