namespace Ard.Trainers.Evaluation;

/// <summary>The settings of a <see cref="RobustnessEvaluator"/>.</summary>
public sealed record EvaluationOptions : IValidatableObject
{
    /// <summary>
    /// What the adversary may do. Default null: Linf, 8/255. Evaluations of ML.NET take what is usual for their images
    /// (<see cref="ThreatModel.Default"/>), validations of a training what the method trains against.
    /// </summary>
    public ThreatModel? Threat { get; init; }

    internal ThreatModel ThreatOrDefault => Threat ?? ThreatModel.Cifar10;

    /// <summary>
    /// The attacks, by name, such as <c>pgd-1000</c>, <c>mi-fgsm-20</c>, <c>cw-30</c> or <c>deepfool</c>: see
    /// <see cref="AttackCatalog.ByName"/>. Default null: FGSM and PGD-20, in L1, where these waste the budget, APGD
    /// (<c>apgd-ce</c>; Croce and Hein, Mind the box, ICML 2021); of a model that can only be asked (<see cref="BlackBox"/>) Square
    /// with AutoAttack's 5000 queries an image, where it says the class only RayS with its authors' 10000.
    /// </summary>
    public IReadOnlyList<string>? Attacks { get; init; }

    internal IReadOnlyList<string> AttackNames => Attacks ?? (ThreatOrDefault.Norm == Norm.L1 ? ["apgd-ce"] : ["fgsm", "pgd-20"]);

    /// <summary>Attacks of your own, run after those named; also <see cref="Transfer"/>, which needs a network.</summary>
    public IReadOnlyList<Attack> MoreAttacks { get; init; } = [];

    /// <summary>
    /// How many images go through the network at a time; random numbers do not depend on it. Default 250, and of images larger than
    /// CIFAR's as many as have the same number of values, 16 or more.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? BatchSize { get; init; }

    /// <summary>The seed of all random starts, and of what a network draws by itself, such as dropout. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// Whether each attack gets only the points that are still right after those before it. The worst case is the same, for less work.
    /// Default false: each attack gets every point that is right without an attack.
    /// </summary>
    public bool Sequential { get; init; }

    /// <summary>
    /// How often a model that can only be asked (<see cref="BlackBox"/>) is asked about an image at most, by all attacks together. They are
    /// <see cref="Sequential"/> then; each has what those before it have left, and ends where an image of its batch has used that up. What
    /// the evaluation itself asks is not counted, the clean image and <see cref="CheckNetwork"/>, and each budget of a curve and each
    /// adversary has its own. Default null: as often as the attacks want.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int? QueryBudget { get; init; }

    internal bool IsSequential => Sequential || QueryBudget is not null;

    /// <summary>
    /// Whether the network is checked for what deceives attacks: random outputs, outputs that depend on the rest of the batch,
    /// probabilities for logits, gradients that are 0, NaN, infinite or missing. Costs six more passes of the first batch, and one
    /// backward pass of every point. Default true. What the attacks meet and a comparison of them shows is reported in any case.
    /// </summary>
    public bool CheckNetwork { get; init; } = true;

    /// <summary>Whether the report has the logits after each attack: four bytes for each point, class and attack. Default false.</summary>
    internal bool KeepLogits { get; init; }

    /// <summary>
    /// A file that keeps what is done: a record is added after each attack on each batch (of AutoAttack, after each of its parts). An
    /// evaluation of the same settings, weights and images goes on from there, to the same report; any other is refused. Default none.
    /// </summary>
    [MinLength(1)]
    public string? StateFile { get; init; }

    /// <summary>Where to write the <see cref="AdversarialExamplesFile"/>, of shards once they are merged. Default none.</summary>
    [MinLength(1)]
    public string? ExamplesFile { get; init; }

    /// <summary>The part to evaluate by itself, see <see cref="EvaluationShard"/>. Default null: everything.</summary>
    public EvaluationShard? Shard { get; init; }

    /// <summary>
    /// The processes that evaluate together, each a shard: all call the evaluation with the same arguments, and get the report of all
    /// images. A state file is then one for each, with <c>.i-of-n</c> behind its name. Default null: those that mpirun or srun has started
    /// (<see cref="ProcessGroup.Current"/>), and without such a launcher, or where <see cref="Shard"/> is set, this process alone.
    /// </summary>
    public ProcessGroup? Group { get; init; }

    internal ProcessGroup OwnGroup => Shard is null ? Group ?? ProcessGroup.Current : ProcessGroup.Alone;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        // Found out now and not when the attacks are over.
        foreach (var file in new[] { StateFile, ExamplesFile }.Where(Directory.Exists))
            yield return new($"'{file}' is a folder, expected a file");
        if (Shard?.Fault is { } shardFault) yield return new(shardFault);
        if (Shard is not null && Group is { Size: > 1 })
            yield return new("Shard is set, and Group has several processes, expected one of the two");
        if (StateFile is not null && StateFile == ExamplesFile) yield return new($"StateFile and ExamplesFile are both '{StateFile}'");
        if (Attacks?.Contains(null!) == true || MoreAttacks.Contains(null!)) yield return new("one of the attacks is missing");
        var attacks = MoreAttacks.OfType<Attack>().ToList();
        foreach (var name in (Threat is null ? Attacks ?? [] : AttackNames).OfType<string>())
        {
            if (OptionsValidator.Try(() => AttackCatalog.ByName(name), out var fault) is { } attack) attacks.Add(attack);
            else yield return new(fault);
        }
        foreach (var name in attacks.CountBy(attack => attack.Name).Where(count => count.Value > 1))
            yield return new($"the attack '{name.Key}' is named twice");
        // What is not set yet may be set to any.
        if (Threat is not { Norm: var norm }) yield break;
        foreach (var attack in attacks.Where(attack => !attack.Norms.Contains(norm)))
            yield return new($"the attack '{attack.Name}' cannot do {norm}, expected {string.Join(" or ", attack.Norms)}");
    }

    /// <summary>The settings with a threat model, with which the attacks are checked.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    internal EvaluationOptions WithThreat() => (this with { Threat = ThreatOrDefault }).Validated();

    /// <summary>The settings with <see cref="ThreatModel.Default"/> for the images where no threat model is set.</summary>
    /// <param name="channels">The images' channels.</param>
    internal EvaluationOptions For(int channels) => this with { Threat = Threat ?? ThreatModel.Default(channels) };

    /// <summary>The settings with what fits model and images where it is not set.</summary>
    internal EvaluationOptions For(EvaluationSubject subject)
    {
        var fitting = Attacks is null && subject.Model is BlackBoxModel asked
            ? this with { Attacks = [asked.HasLabelsOnly ? "rays" : "square"] } : this;
        return fitting.BatchSize is null ? fitting with { BatchSize = subject.BatchSize } : fitting;
    }

    /// <summary>Every attack: those named, then those of your own.</summary>
    /// <exception cref="ArgumentException">A name is unknown.</exception>
    internal IReadOnlyList<Attack> AllAttacks() => [.. AttackNames.Select(AttackCatalog.ByName), .. MoreAttacks];
}
