using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

// The attacks of this library.
public abstract partial class Attack
{
    /// <inheritdoc cref="Attacks.Fgsm"/>
    public static Attack Fgsm() => new Fgsm();

    /// <inheritdoc cref="Attacks.Pgd"/>
    public static Attack Pgd(PgdOptions? options = null) => new Pgd(options);

    /// <inheritdoc cref="Attacks.MiFgsm"/>
    public static Attack MiFgsm(MiFgsmOptions? options = null) => new MiFgsm(options);

    /// <inheritdoc cref="Attacks.DeepFool"/>
    public static Attack DeepFool(DeepFoolOptions? options = null) => new DeepFool(options);

    /// <inheritdoc cref="Attacks.CarliniWagner"/>
    public static Attack CarliniWagner(CarliniWagnerOptions? options = null) => new CarliniWagner(options);

    /// <inheritdoc cref="Attacks.Apgd"/>
    public static Attack Apgd(ApgdOptions? options = null) => new Apgd(options);

    /// <inheritdoc cref="Attacks.Fab"/>
    public static Attack Fab(FabOptions? options = null) => new Fab(options);

    /// <inheritdoc cref="Attacks.Square"/>
    public static Attack Square(SquareOptions? options = null) => new Square(options);

    /// <inheritdoc cref="Attacks.Transfer"/>
    public static Attack Transfer(Attack attack, Module<Tensor, Tensor> surrogate, string? source = null) =>
        new Transfer(attack, surrogate, source);
}
