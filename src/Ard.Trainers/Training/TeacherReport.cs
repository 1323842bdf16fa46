namespace Ard.Trainers.Training;

/// <summary>
/// What a teacher is worth to its students, measured on some training images before it teaches: what it gets right, as they are and under
/// attack, and how sure it is. A training looks at its teacher by itself: <see cref="TrainingResult.Teacher"/>.
/// </summary>
public sealed record TeacherReport
{
    /// <summary>Images that are looked at where nothing else is said.</summary>
    internal const int Usual = 200;

    private const int CalibrationBins = 15;

    // In docs/results.md naturally trained teachers keep up to 0.17 of their right answers under attack, adversarially trained ones 0.63
    // and more, and 0.35 a student that has robustness from its teacher's clean answers alone.
    private const double LeastKept = 0.25;

    // At ten classes the entropy of an answer whose surest class has two tenths and the others share the rest: twice what chance gives it.
    // Measured in docs/results.md: of a teacher so much softened a student by RSLAD keeps a third of its robustness.
    private const double NearlyUniform = 0.98;

    private static readonly JsonSerializerOptions Json = new(EvaluationSummary.Json) { DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    private TeacherReport(string role, ImageDataset data, ThreatModel? threat) =>
        (Role, Threat, Classes, ClassOrder) = (role, threat, data.Classes,
            string.Join(", ", data.ClassNames.Take(4)) + (data.Classes > 4 ? ", …" : ""));

    /// <summary>How many training images were looked at.</summary>
    public int Images { get; private init; }

    /// <summary>What its students are to stand, and what it was attacked within; null where it was not attacked.</summary>
    public ThreatModel? Threat { get; }

    /// <summary>The share of images that it gets right as they are, from 0 to 1.</summary>
    public double CleanAccuracy => (double)CleanCount / Images;

    /// <summary>The share that it gets right under PGD-10, from 0 to 1; null where it was not attacked.</summary>
    public double? RobustAccuracy => Threat is null ? null : (double)RobustCount / Images;

    /// <summary>The entropy of its answers to the images as they are, in nats, mean.</summary>
    public double CleanEntropy { get; private init; }

    /// <summary>The same under attack: at the points that PGD-10 finds; null where it was not attacked.</summary>
    public double? RobustEntropy { get; private init; }

    /// <summary>The entropy of an answer that says nothing: the logarithm of the number of classes, in nats.</summary>
    public double LargestEntropy => Math.Log(Classes);

    /// <summary>How far confidence is from accuracy: the expected calibration error (Guo et al., ICML 2017; 15 bins), 0 to 1.</summary>
    public double CalibrationError { get; private init; }

    /// <summary>
    /// What decides how much robustness carries over, the transferability of Lee and Chung (TMLR 2026): of the student's adversarial
    /// examples, which PGD-10 on the student makes of each image, those that the student gets wrong, and of these the share, 0 to 1, that
    /// the teacher gets wrong. Images wrong without an attack count like the others. Null without a student, or where it gets all right.
    /// </summary>
    public double? TransferShare { get; internal init; }

    /// <summary>
    /// The mean entropy, in nats, of the teacher's answers to those adversarial examples that the student gets wrong: where it is sure of
    /// what the student cannot learn, the student overfits (Lee and Chung, ICML 2026). Null as the share.
    /// </summary>
    public double? UnlearnedEntropy { get; internal init; }

    /// <summary>
    /// Why the teacher will not help, in a sentence: it is no better than chance (1/classes and two standard deviations), or under attack
    /// no better or keeps less than a quarter of its right answers, or its answers are nearly uniform. Else null.
    /// </summary>
    public string? Warning => IsNearChance
        ? $"{Role} gets {CleanCount} of {Images} training images right, where chance gets {ChanceText}. Likely causes: its classes are in "
            + $"another order than the labels' ({ClassOrder}); it normalises its input otherwise, or not at all; it expects other values "
            + "than [0,1]; it was never trained, or too short, or on other labels"
        : Threat is not null && RobustCount <= Math.Max(Chance.Reach(Images, Classes), LeastKept * CleanCount)
        ? $"{Role} gets {RobustCount} of {Images} training images right under attack (PGD-10, {Threat}), and {CleanCount} without, where "
            + $"chance gets {ChanceText}: it has no robustness that a student could learn from it"
        : CleanEntropy >= NearlyUniform * LargestEntropy
        ? Invariant($"{Role}'s answers have an entropy of {CleanEntropy:F3} nats, where one that says nothing has {LargestEntropy:F3}: ")
            + "they are nearly the same for every class, and a student learns little from them"
        : null;

    internal int CleanCount { get; private init; }
    internal int RobustCount { get; private init; }
    internal bool IsNearChance => CleanCount <= Chance.Reach(Images, Classes);
    private string Role { get; }
    private int Classes { get; }
    private string ClassOrder { get; }
    private string ChanceText => Invariant($"{100.0 / Classes:0.#} %");

    /// <summary>Looks at a teacher, which is left as it was found.</summary>
    /// <param name="teacher">Images [N,C,H,W] to logits [N,classes].</param>
    /// <param name="data">The training images.</param>
    /// <param name="threat">What its students are to stand; in L1, or if it can only be asked, it is not attacked. Default usual.</param>
    /// <param name="student">A trained student, for what carries over to it. Default none.</param>
    /// <param name="images">How many of the images to look at; chosen at random, the same each time. Default 200.</param>
    /// <param name="cancellation">Looked at before each pass of an attack.</param>
    /// <exception cref="ArgumentException">Outputs do not fit the images' classes, or are not finite; or there are no images.</exception>
    /// <exception cref="InvalidOperationException">The output of a network is not [N,classes].</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TeacherReport Measure(
        Module<Tensor, Tensor> teacher, ImageDataset data, ThreatModel? threat = null, Module<Tensor, Tensor>? student = null,
        int images = Usual, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(data);
        using var random = new GlobalRandomState();
        if (student is not null)
        {
            using var one = Sample(data, 1);
            Ask(student, one.Images, one).Dispose();
        }
        var report = Measure("the teacher", teacher, data, threat ?? ThreatModel.Default(data.Channels), images, cancellation);
        return student is null ? report : report.With(teacher, student, data, cancellation);
    }

    /// <summary>The same for a role in messages, and without an attack where there is no threat model.</summary>
    internal static TeacherReport Measure(
        string role, Module<Tensor, Tensor> teacher, ImageDataset data, ThreatModel? threat, int images, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var some = Sample(data, images);
        using var random = new GlobalRandomState(0, ImageBatch.Home(teacher, some.Images).Device);
        var logits = Ask(teacher, some.Images, some);
        var count = (int)some.Count;
        if (logits.isfinite().all(1).logical_not().sum().item<long>() is > 0 and var bad)
            throw new ArgumentException(
                $"{role} gives outputs that are not finite for {bad} of {count} training images, expected finite logits.");
        var truth = some.Labels.cpu();
        if (teacher is BlackBoxModel || (threat is not null && !Attack.Norms.Contains(threat.Norm))) threat = null;
        var report = new TeacherReport(role, data, threat)
        {
            Images = count,
            CleanCount = (int)logits.argmax(1).eq(truth).sum().item<long>(),
            CleanEntropy = Entropy(logits),
            CalibrationError = ExpectedCalibrationError(logits, truth),
        };
        if (threat is null) return report;
        // Of each image the worst point that the attack finds; the image itself where the teacher gets it wrong anyway.
        var outcomes = InBatches(teacher, some, (images, labels, noise) => Attack.Run(
            teacher, images, labels, threat, noise, labels.max().item<long>(), tellFaults: true, cancellation));
        return report with
        {
            RobustCount = outcomes.Sum(outcome => outcome.Each.Count(point => point.IsRight)),
            RobustEntropy = Entropy(Ask(teacher, cat([.. outcomes.Select(outcome => outcome.Points)]), some)),
        };
    }

    /// <summary>The report with what carries over to a student; as it is where there was no attack.</summary>
    internal TeacherReport With(
        Module<Tensor, Tensor> teacher, Module<Tensor, Tensor> student, ImageDataset data, CancellationToken cancellation = default)
    {
        if (Threat is not { Epsilon: > 0 }) return this;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var some = Sample(data, Images);
        using var random = new GlobalRandomState(0, ImageBatch.Home(teacher, some.Images).Device);
        var outcomes = InBatches(student, some, (images, labels, noise) => Attack.RunPart(
            student, images, labels, Threat, noise, tellFaults: true, cancellation));
        var deceived = tensor(outcomes.SelectMany(outcome => outcome.Each).Select(point => !point.Correct).ToArray());
        if (!deceived.any().item<bool>()) return this;
        var answers = Ask(teacher, cat([.. outcomes.Select(outcome => outcome.Points)]), some)[deceived];
        return this with
        {
            TransferShare = answers.argmax(1).ne(some.Labels.cpu()[deceived]).to(ScalarType.Float64).mean().item<double>(),
            UnlearnedEntropy = Entropy(answers),
        };
    }

    /// <summary>All of it in a line.</summary>
    public override string ToString() => Invariant($"{Images} training images: {100 * CleanAccuracy:F1} % right")
        + (Threat is null ? "" : Invariant($", {100 * RobustAccuracy:F1} % under PGD-10 ({Threat})"))
        + Invariant($"; entropy {CleanEntropy:F2}")
        + (Threat is null ? "" : Invariant($", under attack {RobustEntropy:F2}"))
        + Invariant($", at most {LargestEntropy:F2}; calibration error {100 * CalibrationError:F1} %")
        + (TransferShare is { } share ? Invariant($"; {100 * share:F1} % of the student's adversarial examples deceive it too") : "")
        + (UnlearnedEntropy is { } entropy ? Invariant($"; entropy {entropy:F2} where the student fails") : "");

    /// <summary>All of it as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>The mean over the images of |accuracy - confidence| of the bin of the image's confidence: (0, 1/15] and so on.</summary>
    internal static double ExpectedCalibrationError(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var (confidence, prediction) = logits.softmax(1).max(1);
        var right = prediction.eq(labels).data<bool>().ToArray();
        var images = confidence.to(ScalarType.Float64).data<double>().ToArray().Zip(right);
        return images.GroupBy(image => Math.Ceiling(image.First * CalibrationBins))
            .Sum(bin => Math.Abs(bin.Sum(image => (image.Second ? 1 : 0) - image.First))) / right.Length;
    }

    private static Pgd Attack { get; } = new(new() { Steps = 10 });

    private static double Entropy(Tensor logits) => Saad.Entropy(logits, order: 1).mean().item<double>();

    // Any rule by which rows are picked, such as every tenth, may meet the order of the images.
    private static ImageDataset Sample(ImageDataset data, int images)
    {
        var count = Math.Min(images, data.Count);
        if (count < 1) throw new ArgumentException($"{count} training images are to be looked at, expected 1 or more.", nameof(images));
        return data.Sample(count);
    }

    // Logits [N,classes] on the CPU, float64.
    private static Tensor Ask(Module<Tensor, Tensor> network, Tensor images, ImageDataset data)
    {
        using var scope = NewDisposeScope();
        var subject = new EvaluationSubject(nameof(TeacherReport), network, images, data.Labels);
        var logits = cat([.. subject.Batches(subject.BatchSize).Select(places =>
        {
            using var batch = NewDisposeScope();
            return subject.Logits(subject.Take(places).Images).to(ScalarType.Float64, CPU).MoveToOuterDisposeScope();
        })]);
        if (logits.shape[1] != data.Classes)
            throw new ArgumentException(
                $"{nameof(TeacherReport)}: the network has {logits.shape[1]} outputs, expected {data.Classes}, one for each class.");
        return logits.MoveToOuterDisposeScope();
    }

    private static List<T> InBatches<T>(Module<Tensor, Tensor> network, ImageDataset data, Func<Tensor, Tensor, PointNoise, T> attack)
    {
        var subject = new EvaluationSubject(nameof(TeacherReport), network, data.Images, data.Labels);
        if (subject.Home.Device.type == DeviceType.CPU) GradientCheck.Require();
        return [.. subject.Batches(subject.BatchSize).Select(places =>
        {
            var (images, labels) = subject.Take(places);
            return attack(images, labels, new PointNoise(0, places));
        })];
    }
}
