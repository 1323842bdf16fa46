using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
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

    /// <summary>Makes the estimator.</summary>
    /// <param name="mlContext">The context; its seed decides whatever chance decides.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public AdversarialTrainer(MLContext mlContext, Options options) : base(mlContext, options, null, null)
    {
    }

    /// <summary>Makes the estimator with the defaults of <see cref="Options"/>.</summary>
    /// <param name="mlContext">The context; its seed decides whatever chance decides.</param>
    /// <param name="network">The network, such as <c>"wideresnet-34-10"</c>.</param>
    /// <param name="labelColumnName">The column of labels, a key.</param>
    /// <param name="featureColumnName">The column of images, or of vectors of floats or bytes.</param>
    /// <param name="epochs">How often every image is seen. Default by the images: <see cref="TrainingOptions.Epochs"/>.</param>
    public AdversarialTrainer(
        MLContext mlContext, NetworkDefinition network, string labelColumnName = "Label", string featureColumnName = "Features",
        int? epochs = null)
        : this(mlContext, new Options
        {
            Network = network,
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            Training = new TrainingOptions { Epochs = epochs },
        })
    {
    }
}
