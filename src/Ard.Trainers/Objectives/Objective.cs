namespace Ard.Trainers.Objectives;

/// <summary>
/// A training method: an inner maximisation (or none) and an outer loss, in the same loop. To write your own, derive from this class and
/// put the formula into <see cref="Loss"/>, of parts such as <see cref="InnerMaximisation"/> and <see cref="DistillationTerm"/>. A method
/// with a wrong setting is not made: the error names every one.
/// </summary>
public abstract class Objective : INamed
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

    /// <summary>
    /// Whether the loss can be taken on mixed images (<see cref="TrainingOptions.Mixing"/>), by shares of classes rather than by a class.
    /// Default true.
    /// </summary>
    public virtual bool TakesSoftLabels => true;

    /// <summary>Whether it moves the weights before it takes the loss, and puts them back after backward. Default false.</summary>
    internal virtual bool PerturbsWeights => false;

    /// <summary>
    /// The loss of one batch. The order in which it sends batches through the student in train mode decides the running statistics of its
    /// batch normalisation. Must not wait for the device, and must leave parameters' gradients alone: the training loop calls backward on
    /// what is returned. Where several processes train together, each is asked for the mean over its own images of the batch: random
    /// numbers come from <see cref="TrainingBatch.Noise"/>, and what depends on other images from <see cref="TrainingBatch.MeanOfAll"/>.
    /// </summary>
    /// <param name="batch">The batch.</param>
    /// <returns>A scalar with a graph to the student's parameters.</returns>
    public abstract Tensor Loss(TrainingBatch batch);

    /// <summary>How many weight steps each batch gets in a row, at one learning rate: the replays of free training. Default 1.</summary>
    public virtual int Replays => 1;

    /// <summary>Called between backward and the optimizer's step: gradients are there, weights have not moved. Default nothing.</summary>
    /// <param name="batch">The batch that <see cref="Loss"/> was taken on.</param>
    public virtual void AfterBackward(TrainingBatch batch) { }

    /// <inheritdoc cref="Objectives.Natural"/>
    public static Objective Natural() => new Natural();

    /// <inheritdoc cref="Objectives.AdversarialTraining"/>
    /// <param name="inner">
    /// The inner maximisation. Default Linf 8/255, 10 steps of 2/255, uniform start clamped to [0,1], cross-entropy, student in eval mode:
    /// then each iteration moves the running statistics once, by the images that the loss is taken on.
    /// </param>
    public static Objective AdversarialTraining(InnerMaximisation? inner = null) =>
        new AdversarialTraining(inner is null ? null : new() { Inner = inner });

    /// <inheritdoc cref="Objectives.Trades"/>
    public static Objective Trades(TradesOptions? options = null) => new Trades(options);

    /// <inheritdoc cref="Objectives.Mart"/>
    public static Objective Mart(MartOptions? options = null) => new Mart(options);

    /// <inheritdoc cref="Objectives.FreeAdversarialTraining"/>
    /// <param name="free">The perturbation. Default Linf 8/255, 8 replays.</param>
    public static Objective FreeAdversarialTraining(FreePerturbation? free = null) =>
        new FreeAdversarialTraining(free is null ? null : new() { Free = free });

    /// <inheritdoc cref="Objectives.Distillation"/>
    public static Objective Distillation(DistillationOptions? options = null) => new Distillation(options);

    /// <inheritdoc cref="Objectives.AdversariallyRobustDistillation"/>
    public static Objective AdversariallyRobustDistillation(ArdOptions? options = null) => new AdversariallyRobustDistillation(options);

    /// <inheritdoc cref="Objectives.FastArd"/>
    public static Objective FastArd(FastArdOptions? options = null) => new FastArd(options);

    /// <inheritdoc cref="Objectives.Rslad"/>
    public static Objective Rslad(RsladOptions? options = null) => new Rslad(options);

    /// <inheritdoc cref="Objectives.Iad"/>
    public static Objective Iad(IadOptions? options = null) => new Iad(options);

    /// <inheritdoc cref="Objectives.AdaAd"/>
    public static Objective AdaAd(AdaAdOptions? options = null) => new AdaAd(options);

    /// <inheritdoc cref="Objectives.AdaIad"/>
    public static Objective AdaIad(AdaIadOptions? options = null) => new AdaIad(options);

    /// <inheritdoc cref="Objectives.Mtard"/>
    public static Objective Mtard(MtardOptions? options = null) => new Mtard(options);

    /// <inheritdoc cref="Objectives.Saad"/>
    public static Objective Saad(SaadOptions? options = null) => new Saad(options);

    /// <inheritdoc cref="Objectives.PeerAid"/>
    public static Objective PeerAid(PeerAidOptions? options = null) => new PeerAid(options);

    /// <inheritdoc cref="Objectives.Igdm"/>
    /// <param name="host">The method.</param>
    /// <param name="weight">
    /// alpha, the weight of the term in the last epoch. Default 1. The released code has it beside a divergence that is a mean over the
    /// batch: 1 to 1 at 10 classes, 1 to 20 at 100 (the paper: 10 to 20). Beside a host whose divergence is a tenth of that mean, as those
    /// of AdaAD and RSLAD are, 0.1 and 2 are the same shares.
    /// </param>
    public static Objective Igdm(Objective host, double weight = 1) => new Igdm(host, new() { Weight = weight });

    /// <inheritdoc cref="Objectives.AdversarialWeightPerturbation"/>
    /// <param name="host">The method: none that perturbs weights itself or trains a peer.</param>
    /// <param name="gamma">How far a layer's weights move, in units of their norm. Default 0.01, of TRADES 0.005, as released.</param>
    /// <param name="warmUpEpochs">Epochs at the start without perturbation. Default 0, of TRADES 9, as released.</param>
    public static Objective AdversarialWeightPerturbation(Objective host, double? gamma = null, int? warmUpEpochs = null)
    {
        var usual = AdversarialWeightPerturbationOptions.For(host);
        return new AdversarialWeightPerturbation(
            host, new() { Gamma = gamma ?? usual.Gamma, WarmUpEpochs = warmUpEpochs ?? usual.WarmUpEpochs });
    }
}

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
    public override bool TakesSoftLabels => Host.TakesSoftLabels;
    internal override bool PerturbsWeights => Host.PerturbsWeights;
    public override double LossScale(int classes) => Host.LossScale(classes);
    public override void AfterBackward(TrainingBatch batch) => Host.AfterBackward(batch);
}
