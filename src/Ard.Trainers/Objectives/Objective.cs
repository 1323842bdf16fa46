using Ard.Trainers.Attacks;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Objectives;

/// <summary>
/// A training method: an inner maximisation (or none) and an outer loss. The training loop is the same for all of them. To write your own,
/// derive from this class and put the method's formula into <see cref="Loss"/>; <see cref="InnerMaximisation"/> and
/// <see cref="DistillationTerm"/> are the usual parts. A method with a wrong setting is not made: the error names every one.
/// </summary>
public abstract partial class Objective : INamed
{
    /// <summary>A short name for tables, such as <c>ard</c>.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// What tells the method from others, besides its public properties and those of its options, which are compared by themselves: a
    /// checkpoint is resumed only by an objective of the same description. Default the name.
    /// </summary>
    public virtual string Description => Name;

    /// <summary>What the inner maximisation allows; validation is against it. Default null: there is none, or it does not say.</summary>
    public virtual ThreatModel? Threat => null;

    /// <summary>
    /// How large the method's loss and its gradients are beside those of a cross-entropy, a mean over the batch. The default learning rate
    /// is divided by it, and the default weight decay is multiplied by it. Default 1.
    /// </summary>
    /// <param name="classes">The number of classes, by which some divergences are divided.</param>
    public virtual double LossScale(int classes) => 1;

    /// <summary>Whether the method cannot work without a teacher. Default false.</summary>
    public virtual bool NeedsTeacher => false;

    /// <summary>Whether the method cannot work without a second teacher, for clean images. Default false.</summary>
    public virtual bool NeedsNaturalTeacher => false;

    /// <summary>Whether the method trains a second network, the peer, beside the student. Default false.</summary>
    public virtual bool NeedsPeer => false;

    /// <summary>Whether the loss can be taken on mixed images, by shares of classes rather than by a class. Default true.</summary>
    internal virtual bool TakesSoftLabels => true;

    /// <summary>
    /// The loss of one batch. The order in which it sends batches through the student in train mode decides the running statistics of its
    /// batch normalisation. Must not wait for the device, and must leave parameters' gradients alone: the training loop calls backward on
    /// what is returned. Where several processes train together, each is asked for the mean over its own images of the batch: random
    /// numbers come from <see cref="TrainingBatch.Noise"/>, and what depends on other images from <see cref="TrainingBatch.MeanOfAll"/>.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <returns>A scalar with a graph to the student's parameters.</returns>
    public abstract Tensor Loss(TrainingBatch batch);

    /// <summary>
    /// How many weight steps the training loop takes on each batch before it goes to the next; the learning rate is the same for all of
    /// them. Default 1; more for the replays of free adversarial training.
    /// </summary>
    public virtual int Replays => 1;

    /// <summary>
    /// Called between backward and the step of the optimizer: the gradients of the loss are there, the weights have not moved. Free
    /// adversarial training moves its perturbation here. Default nothing.
    /// </summary>
    /// <param name="batch">The batch that <see cref="Loss"/> was taken on.</param>
    public virtual void AfterBackward(TrainingBatch batch)
    {
    }
}

/// <summary>A method with settings.</summary>
internal abstract class Objective<TOptions>(TOptions? options) : Objective where TOptions : class, new()
{
    public TOptions Options { get; } = (options ?? new()).Validated();
}

/// <summary>A method around another one, the host: as the host says, where it says nothing else.</summary>
internal abstract class HostedObjective<TOptions>(Objective host, TOptions? options)
    : Objective<TOptions>(options) where TOptions : class, new()
{
    public Objective Host { get; } = host;
    public override ThreatModel? Threat => Host.Threat;
    public override bool NeedsTeacher => Host.NeedsTeacher;
    public override bool NeedsNaturalTeacher => Host.NeedsNaturalTeacher;
    public override bool NeedsPeer => Host.NeedsPeer;
    public override int Replays => Host.Replays;
    internal override bool TakesSoftLabels => Host.TakesSoftLabels;
    public override double LossScale(int classes) => Host.LossScale(classes);
    public override void AfterBackward(TrainingBatch batch) => Host.AfterBackward(batch);
}
