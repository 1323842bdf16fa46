using Ard.Trainers.Objectives;
using Microsoft.ML;

namespace Ard.MLNet;

/// <summary>
/// Training without a teacher as an estimator: adversarial training (Madry et al., ICLR 2018), TRADES (Zhang et al., ICML 2019), or natural
/// training. It makes the teachers of <see cref="ArdTrainer"/>, and the baselines to compare its students with.
/// </summary>
public sealed class AdversarialTrainer : ImageTrainer
{
    /// <summary>The settings of <see cref="AdversarialTrainer"/>.</summary>
    public sealed record Options : ImageTrainerOptions
    {
        /// <summary>Settings with all defaults: the method is at, adversarial training.</summary>
        public Options() : base("at")
        {
        }

        private protected override IEnumerable<string> MethodFaults(Objective objective)
        {
            if (objective.NeedsTeacher || objective.NeedsNaturalTeacher)
                yield return $"Method is {objective.Name}, which needs a teacher: that is for {nameof(ArdTrainer)}";
        }
    }

    internal AdversarialTrainer(MLContext mlContext, Options options) : base(mlContext, options, null, null)
    {
    }
}
