namespace Ard.Trainers.Tests.Reports;

/// <summary>A report with everything in it, made of figures that nobody measured.</summary>
internal static class SampleReport
{
    public const string Hostile = "<script>alert(\"1\")</script> & 'cats' \u0001\uD800 🐈";

    public static readonly string[] ClassNames =
    [
        "airplane", "automobile", "bird", Hostile, "deer", "dog", "frog", "horse",
        "a ship with a name that is far too long for its column", "truck",
    ];

    /// <summary>Networks of random figures, the first of them with the hostile text wherever a text from outside can be.</summary>
    public static HtmlReport Of(int networks = 4, int epochs = 50, int classes = 10) => new("Four networks on pictures " + Hostile)
    {
        Introduction = "What this is. " + Hostile,
        ClassNames = [.. ClassNames.Take(classes)],
        Reproduction = "./ard demo --seed 1 --output '" + Hostile + "'",
        Seed = 1,
        Models = [.. Enumerable.Range(0, networks).Select(number => Model(number, epochs, classes))],
    };

    public static ModelReport Model(int number, int epochs, int classes)
    {
        string[] names = ["teacher, adversarial training", "student, adversarial training", "student, clean distillation", "student, ARD"];
        var random = new Random(number);
        return new ModelReport(number == 0 ? Hostile : names[number % names.Length] + (number < names.Length ? "" : $" {number}"))
        {
            Description = "tinycnn-8-bn, 8,218 parameters" + (number == 0 ? Hostile : ""),
            Parameters = 8218 + 100_000 * number,
            Training = Training(random, epochs) with { Warnings = number == 0 ? ["epoch 3: " + Hostile] : [] },
            Robustness = Evaluation(random, 500, classes),
            Curve = new RobustnessCurve(Norm.Linf, [.. new[] { 0, 0.05, 0.1, 0.15, 0.2 }.Select(
                epsilon => new CurvePoint(epsilon, [.. Enumerable.Range(0, 200).Select(i => i < 190 - number * 9 - 700 * epsilon)]))])
            {
                Attacks = ["fgsm", "pgd-20"],
            },
            Images = Images(random, channels: number % 2 == 0 ? 3 : 1, classes),
        };
    }

    public static TrainingResult Training(Random random, int epochs) => new(
        [
            .. Enumerable.Range(1, epochs).Select(epoch => new EpochRecord(
                epoch, 2.3 / Math.Sqrt(epoch) + 0.05 * random.NextDouble(), 1 - 0.9 / epoch, 0.1,
                epoch % 2 == 0 ? 0.95 - 0.8 / epoch : null, epoch % 2 == 0 ? 0.6 - 0.5 / epoch - 0.002 * epoch : null, 1)),
        ],
        bestEpoch: Math.Min(20, epochs), keptEpoch: Math.Min(20, epochs), seconds: 75.4, cancelled: false)
    {
        Settings = ["Objective: ard", "Objective.Options.Temperature: 4", "Options.Optimizer: SgdOptimizer", "Options.Epochs: 50"],
    };

    public static RobustnessReport Evaluation(Random random, int count, int classes)
    {
        long[] labels = [.. Enumerable.Range(0, count).Select(row => (long)(row % classes))];
        bool[] wasRight = [.. labels.Select(_ => random.NextDouble() < 0.93)];
        var clean = Result("clean", 1, 0);
        var fgsm = Result("fgsm", 0.7, 0.01);
        var pgd = Result("pgd-20", 0.55, 0.098765);
        return new RobustnessReport(ThreatModel.Linf(0.1), clean, [fgsm, pgd], pgd with { Name = "worst-case" })
        {
            Labels = labels,
            Settings = ["Threat: Linf 0.1", "Attacks: fgsm, pgd-20", "Seed: 1"],
            Flags =
            [
                new(RobustnessFlagCode.OneStepStronger, "fgsm broke 12 of 500 points more than " + Hostile, "Evaluate with autoattack"),
            ],
        };

        AttackResult Result(string name, double share, double size)
        {
            bool[] broken = [.. labels.Select(_ => random.NextDouble() >= share)];
            return new AttackResult(
                name, [.. labels.Select((_, row) => new AttackedPoint(wasRight[row], broken[row] ? name : null, size, 1, 1))])
            {
                Predictions =
                [
                    .. labels.Select((label, row) =>
                        wasRight[row] && !broken[row] ? label : (label + 1 + random.Next(classes - 1)) % classes),
                ],
            };
        }
    }

    public static AttackedImages Images(Random random, int channels, int classes)
    {
        return new AttackedImages("pgd-20", ThreatModel.Linf(0.1), channels, 16, 16, [.. Enumerable.Range(0, 6).Select(row =>
        {
            float[] clean = [.. Enumerable.Range(0, channels * 256).Select(i => (i / 16 % 16 + i % 16) / 31f)];
            return new AttackedImage(
                row, clean, [.. clean.Select(value => Math.Clamp(value + 0.1f * Math.Sign(random.NextDouble() - 0.5), 0, 1))],
                row % classes, row % classes, random.Next(2) == 0 ? row % classes : (row + 1) % classes);
        })]);
    }
}
