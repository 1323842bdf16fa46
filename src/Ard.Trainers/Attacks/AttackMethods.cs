namespace Ard.Trainers.Attacks;

// The attacks of this library.
public abstract partial class Attack
{
    /// <inheritdoc cref="Attacks.Fgsm"/>
    public static Attack Fgsm() => new Fgsm();

    /// <inheritdoc cref="Attacks.Pgd"/>
    public static Attack Pgd(PgdOptions? options = null) => new Pgd(options);

    /// <summary>
    /// The momentum iterative fast gradient sign method (Dong et al., "Boosting adversarial attacks with momentum", CVPR 2018, algorithm 1;
    /// L2: equation 9): PGD with <see cref="PgdOptions.Momentum"/> 1 from the clean image. Draws no random number. Its points carry over to
    /// other networks better: see <see cref="Transfer"/>.
    /// </summary>
    /// <param name="steps">How many, of epsilon/steps each. Default 20, as in the tables of distillation papers; the paper has 10.</param>
    /// <exception cref="ArgumentException">It is less than 1.</exception>
    public static Attack MiFgsm(int steps = 20) => new Pgd(new() { Steps = steps, Momentum = 1, Start = Start.Clean });

    /// <inheritdoc cref="Attacks.DeepFool"/>
    public static Attack DeepFool(DeepFoolOptions? options = null) => new DeepFool(options);

    /// <inheritdoc cref="Attacks.CarliniWagner"/>
    public static Attack CarliniWagner(CarliniWagnerOptions? options = null) => new CarliniWagner(options);

    /// <inheritdoc cref="Attacks.Apgd"/>
    public static Attack Apgd(ApgdOptions? options = null) => new Apgd(options);

    /// <inheritdoc cref="Attacks.Fab"/>
    public static Attack Fab(FabOptions? options = null) => new Fab(options);

    /// <inheritdoc cref="Attacks.Fmn"/>
    public static Attack Fmn(int steps = 100) => new Fmn(steps);

    /// <inheritdoc cref="Attacks.Eot"/>
    /// <param name="attack">The attack; of a sequence, each of its attacks.</param>
    /// <param name="samples">The number of passes, such as 20, AutoAttack's figure.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public static Attack Eot(Attack attack, int samples)
    {
        ArgumentNullException.ThrowIfNull(attack);
        if (samples < 1) throw new ArgumentOutOfRangeException(nameof(samples), samples, "expected 1 or more.");
        return attack is AttackSequence sequence
            ? sequence.Of(Attacks.Eot.NameOf(sequence.Name, samples), part => Eot(part, samples))
            : new Eot(attack, samples);
    }

    /// <inheritdoc cref="Attacks.Square"/>
    public static Attack Square(SquareOptions? options = null) => new Square(options);

    /// <inheritdoc cref="Attacks.RayS"/>
    public static Attack RayS(int queries = 10_000) => new RayS(queries);

    /// <summary>
    /// A sequence of attacks, each on the images still right after those before it, with the same noise as if it were run alone. It returns
    /// the misclassified point found first, else the clean image. The images that are left are put into full batches for the next attack,
    /// so give it many at a time. Published sequences: <see cref="AutoAttack"/>.
    /// </summary>
    /// <param name="name">Its name for tables.</param>
    /// <param name="attacks">In their order, each of another name, sequences as their parts. The norms are those that all can do.</param>
    /// <param name="batchSize">How many images an attack gets at a time. Default 250, as in the reference implementation.</param>
    /// <exception cref="ArgumentException">The settings are not as described; the message names every fault.</exception>
    public static Attack Sequence(string name, IReadOnlyList<Attack> attacks, int batchSize = 250) =>
        new AttackSequence(name, attacks, batchSize);

    /// <inheritdoc cref="Attacks.Transfer"/>
    public static Attack Transfer(Attack attack, Module<Tensor, Tensor> surrogate, string? source = null) =>
        new Transfer(attack, surrogate, source);
}
