namespace Ard.Trainers.Tests.Evaluation;

/// <summary>Small networks, images and attacks to evaluate.</summary>
internal static class EvaluationProblem
{
    public static readonly ThreatModel Threat = ThreatModel.Linf(0.03);

    /// <summary>A smooth network of two layers that gets about 40 of 50 points right, in [50,3,2,2].</summary>
    public static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels) Smooth(int classes = 5)
    {
        using var generator = new Generator(8);
        var first = empty([12, 20]).normal_(0, 1, generator);
        var second = LinearNetwork.Random(20, classes, seed: 9);
        var network = new ComposedNetwork(x => (x - 0.5).flatten(1).matmul(first).tanh() * 0.5 + 0.5, second);
        var images = empty([50, 3, 2, 2]).uniform_(0, 1, generator);
        using var noGrad = no_grad();
        var labels = network.call(images).argmax(1);
        labels.narrow(0, 40, 10).add_(1).remainder_(classes);
        return (network, images, labels);
    }

    /// <summary>
    /// A name of every kind in <see cref="AttackCatalog.Names"/>, but for the sequences of others; few steps where it can say how many.
    /// </summary>
    public static IEnumerable<string> EveryAttack => AttackCatalog.Names
        .Where(name => !name.StartsWith("autoattack", StringComparison.Ordinal) && !AttackCatalog.Names.Contains($"{name}-N"))
        .Select(name => name.Replace("square-N", "square-300", StringComparison.Ordinal)
            .Replace("rays-N", "rays-300", StringComparison.Ordinal)
            .Replace("-NxR", "-4x2", StringComparison.Ordinal).Replace("-N", "-6", StringComparison.Ordinal)
            .Replace("-K", "-1", StringComparison.Ordinal).Replace("@S", "@0.01", StringComparison.Ordinal));

    /// <summary>The options with this attack, which makes hundreds of steps and not thousands.</summary>
    public static EvaluationOptions With(EvaluationOptions options, string attack) => attack == "cw-l2"
        ? options with { Attacks = [], MoreAttacks = [new CarliniWagner(new CarliniWagnerOptions { Steps = 20, Searches = 3 })] }
        : options with { Attacks = [attack] };

    /// <summary>What of a report can be compared: everything.</summary>
    public static string Text(RobustnessReport report) => string.Join(
        "\n",
        report.Attacks.Prepend(report.Clean).Append(report.WorstCase).SelectMany(result => result.Points.Select((point, row) =>
            $"{result.Name} {point} {BitConverter.DoubleToInt64Bits(point.Size)} {result.Predictions[row]}"))
            .Concat(report.Attacks.Prepend(report.Clean).Select(result => string.Join(",", result.Logits ?? [])))
            .Concat(report.Flags.Select(flag => flag.ToString())));

    public static string File(string name)
    {
        var folder = Path.Combine(Path.GetTempPath(), "ard-tests", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, name);
    }

    /// <summary>A fixed function before a network with parameters.</summary>
    private sealed class ComposedNetwork : Module<Tensor, Tensor>
    {
        private readonly Func<Tensor, Tensor> before;
        private readonly Module<Tensor, Tensor> network;

        public ComposedNetwork(Func<Tensor, Tensor> before, Module<Tensor, Tensor> network) : base(nameof(ComposedNetwork))
        {
            (this.before, this.network) = (before, network);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => network.call(before(input));
    }
}

/// <summary>Passes everything on to a network, and calls something before each forward pass.</summary>
internal sealed class WatchedNetwork : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> network;
    private readonly Action before;

    public WatchedNetwork(Module<Tensor, Tensor> network, Action before) : base(nameof(WatchedNetwork))
    {
        (this.network, this.before) = (network, before);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        before();
        return network.call(input);
    }
}

/// <summary>An attack given by a function from clean images and labels to points, of a kind of one's choice.</summary>
internal sealed class GivenAttack(string name, Func<Tensor, Tensor, Tensor> points, AttackKind kind = AttackKind.Gradient) : Attack
{
    public override string Name => name;

    public override AttackKind Kind => kind;

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        points(images, labels);
}

/// <summary>Random noise, which shows in the size of the perturbation whose it is.</summary>
internal sealed class NoiseAttack : Attack
{
    public override string Name => "noise";

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        threat.Project(images + threat.RandomPerturbation(images, noise), images);
}
