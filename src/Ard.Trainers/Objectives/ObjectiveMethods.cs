namespace Ard.Trainers.Objectives;

// The methods of this library.
public abstract partial class Objective
{
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
    public static Objective AdaIad(IadOptions? options = null) => new AdaIad(options);

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
    public static Objective AdversarialWeightPerturbation(Objective host, AdversarialWeightPerturbationOptions? options = null) =>
        new AdversarialWeightPerturbation(host, options);
}
