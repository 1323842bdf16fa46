namespace Ard.Trainers.Objectives;

// The methods of this library.
public abstract partial class Objective
{
    /// <inheritdoc cref="Objectives.Natural"/>
    public static Objective Natural() => new Natural();

    /// <inheritdoc cref="Objectives.AdversarialTraining"/>
    public static Objective AdversarialTraining(AdversarialTrainingOptions? options = null) => new AdversarialTraining(options);

    /// <inheritdoc cref="Objectives.Trades"/>
    public static Objective Trades(TradesOptions? options = null) => new Trades(options);

    /// <inheritdoc cref="Objectives.Mart"/>
    public static Objective Mart(MartOptions? options = null) => new Mart(options);

    /// <inheritdoc cref="Objectives.FreeAdversarialTraining"/>
    public static Objective FreeAdversarialTraining(FreeAdversarialTrainingOptions? options = null) => new FreeAdversarialTraining(options);

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
    public static Objective Igdm(Objective host, IgdmOptions? options = null) => new Igdm(host, options);

    /// <inheritdoc cref="Objectives.AdversarialWeightPerturbation"/>
    public static Objective AdversarialWeightPerturbation(Objective host, AdversarialWeightPerturbationOptions? options = null) =>
        new AdversarialWeightPerturbation(host, options);
}
