using System.Text.Json;
using System.Text.Json.Serialization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using static TorchSharp.torch;

namespace Ard.Trainers.Evaluation;

/// <summary>What an attack, or one part of an attack that consists of others, has done to each point.</summary>
internal sealed class Attempt(Attack attack, Attack part, int count)
{
    private const byte Held = 1, Broken = 2;

    /// <summary>The attack as it was asked for.</summary>
    public Attack Attack => attack;

    /// <summary>The part, or the attack itself.</summary>
    public Attack Part => part;

    public string Title => ReferenceEquals(attack, part) ? attack.Name : $"{attack.Name}: {part.Name}";

    /// <summary>For each point 0 where it was not attacked, 1 where it is still right, 2 where it is not.</summary>
    public byte[] Outcome { get; } = new byte[count];

    public double[] Size { get; } = new double[count];

    /// <summary>-1 where the attack does not say.</summary>
    public long[] Forward { get; } = new long[count];

    public long[] Backward { get; } = new long[count];

    /// <summary>-1 where the logits, or others that the attack met, are not finite.</summary>
    public long[] Prediction { get; } = new long[count];

    /// <summary>Whether the attack met logits that are not finite. The point then counts as broken.</summary>
    public bool[] MetNotFinite { get; } = new bool[count];

    /// <summary>How far the attack's own point was moved, where that was not an allowed one; else 0.</summary>
    public double[] Beyond { get; } = new double[count];

    /// <summary>What was amiss with the gradients that the attack met, as <see cref="Attacks.GradientFaults"/>.</summary>
    public byte[] GradientFaults { get; } = new byte[count];

    /// <summary>[N,classes] row by row, where they are kept.</summary>
    public float[] Logits { get; set; } = [];

    public bool Ran(int row) => Outcome[row] != 0;

    public bool Broke(int row) => Outcome[row] == Broken;

    public void Set(int row, bool correct) => Outcome[row] = correct ? Held : Broken;
}

/// <summary>
/// Everything that an evaluation knows so far, and its file: safetensors with a digest, the numbers beside the arrays as JSON in its
/// metadata. The steps have one order (batch by batch: the clean images, then attempt by attempt), so that their number says what is done.
/// </summary>
internal sealed class EvaluationState : IDisposable
{
    private const string MetadataName = "ard.evaluation";
    private const int Version = 3;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private sealed record Place(
        int Version, IReadOnlyDictionary<string, string> Settings, long Steps, int Rows, int Classes, double Spread, double BatchSpread);

    private readonly EvaluationOptions options;
    private Tensor? examples;

    public EvaluationState(EvaluationOptions options, int count)
    {
        this.options = options;
        Count = count;
        Attempts =
        [
            .. from attack in options.AllAttacks()
               from part in attack.Parts(options.Threat.Norm)
               select new Attempt(attack, part, count),
        ];
        (Right, NotFinite, Probability) = (new bool[count], new bool[count], new bool[count]);
        (GradientFaults, Prediction) = (new byte[count], new long[count]);
    }

    /// <summary>How many points there are.</summary>
    public int Count { get; }

    public IReadOnlyList<Attempt> Attempts { get; }

    public ThreatModel Threat => options.Threat;

    /// <summary>How many steps are done.</summary>
    public long Steps { get; set; }

    /// <summary>Of how many points the clean images have been seen.</summary>
    public int Rows { get; private set; }

    public int Classes { get; private set; }

    /// <summary>The largest difference of five passes of the first batch, in units of the largest output.</summary>
    public double Spread { get; set; }

    /// <summary>The largest difference that the company of an image in the first batch makes, in the same units.</summary>
    public double BatchSpread { get; set; }

    public int BatchSize => options.BatchSize;

    // The clean images, one entry a point.

    public bool[] Right { get; }

    /// <summary>Where the logits are not finite. The image then counts as wrong, and its prediction is -1.</summary>
    public bool[] NotFinite { get; }

    /// <summary>What is amiss with the gradient, where the network is right, as <see cref="Attacks.GradientFaults"/>.</summary>
    public byte[] GradientFaults { get; }

    public bool[] Probability { get; }

    public long[] Prediction { get; }

    public float[] Logits { get; private set; } = [];

    /// <summary>
    /// For each point that has been seen, [rows,...]: the misclassified point that was found first, or the clean image; kept where a file
    /// of them was asked for.
    /// </summary>
    public Tensor Examples => examples!.narrow(0, 0, Rows);

    /// <summary>Whether an attempt is to be made at a point: it is right, and no attempt that counts has broken it.</summary>
    public bool IsLeft(int row, int attempt) => Right[row] && !Before(attempt).Any(other => other.Broke(row));

    /// <summary>Whether nothing so far has broken a point.</summary>
    public bool IsRobust(int row) => Right[row] && !Attempts.Any(attempt => attempt.Broke(row));

    /// <summary>Makes room for a batch of clean images.</summary>
    /// <param name="images">The images as the network gets them.</param>
    /// <param name="classes">The number of the network's outputs.</param>
    public void Begin(Tensor images, long classes)
    {
        if (Classes == 0) Allocate((int)classes);
        if (options.ExamplesFile is not null)
        {
            examples ??= zeros([Count, .. images.shape[1..]], dtype: images.dtype).DetachFromDisposeScope();
            using var scope = NewDisposeScope();
            examples.narrow(0, Rows, images.shape[0]).copy_(images);
        }
        Rows += (int)images.shape[0];
    }

    /// <summary>Keeps the point that broke a row, unless one is kept already.</summary>
    public void KeepExample(int row, int attempt, Tensor point)
    {
        if (examples is null || Attempts.Take(attempt).Any(other => other.Broke(row))) return;
        using var scope = NewDisposeScope();
        examples[row].copy_(point);
    }

    /// <summary>What is known, as a report.</summary>
    public RobustnessReport Report()
    {
        var all = Enumerable.Range(0, Count).ToArray();
        var clean = new AttackResult("clean", [.. all.Select(row => new AttackedPoint(Right[row], null, 0, 1, 0))])
        {
            Predictions = Prediction,
            Logits = options.KeepLogits ? Logits : null,
        };
        var attacks = Attempts.Select((attempt, i) => (attempt.Attack, Last: i)).GroupBy(pair => pair.Attack)
            .Select(parts => Result(parts.Key, parts.Last().Last)).ToArray();
        return new RobustnessReport(options.Threat, clean, attacks, new AttackResult("worst-case", [.. all.Select(Worst)])
        {
            Predictions = [.. all.Select(row => First(row)?.Prediction[row] ?? Prediction[row])],
        })
        {
            Flags = RobustnessFlags.Find(this),
        };

        AttackResult Result(Attack attack, int last)
        {
            var own = Attempts.Where(attempt => attempt.Attack == attack).ToArray();
            Attempt[] counting = [.. Before(last), Attempts[last]];
            var decisive = all.Select(Decisive).ToArray();
            return new AttackResult(
                attack.Name,
                [.. all.Select(row => Point(row, own, decisive[row]?.Broke(row) == true ? decisive[row]!.Part.Name : null, decisive[row]))])
            {
                Parts = ReferenceEquals(Attempts[last].Part, attack) ? [] : [.. own.Select(Left)],
                Details = attack.Details(options.Threat),
                Predictions = [.. all.Select(row => decisive[row]?.Prediction[row] ?? Prediction[row])],
                Logits = options.KeepLogits ? [.. all.SelectMany(row => Of(decisive[row]?.Logits ?? Logits, row))] : null,
            };

            AttackPart Left(Attempt part)
            {
                var until = counting.TakeWhile(attempt => attempt != part).Append(part).ToArray();
                return new(part.Part.Name, all.Count(row => Right[row] && !until.Any(attempt => attempt.Broke(row))));
            }

            // The first that broke the point; else the attack itself, where it is not one of parts.
            Attempt? Decisive(int row) => counting.FirstOrDefault(attempt => attempt.Broke(row))
                ?? (ReferenceEquals(Attempts[last].Part, attack) && Attempts[last].Ran(row) ? Attempts[last] : null);
        }

        AttackedPoint Worst(int row)
        {
            var first = First(row);
            return Point(row, Attempts, first?.Attack.Name, first);
        }

        Attempt? First(int row) => Attempts.FirstOrDefault(attempt => attempt.Broke(row));

        AttackedPoint Point(int row, IReadOnlyList<Attempt> paid, string? brokenBy, Attempt? decisive)
        {
            var ran = paid.Where(attempt => attempt.Ran(row)).ToArray();
            var told = ran.All(attempt => attempt.Forward[row] >= 0);
            return new AttackedPoint(
                Right[row], brokenBy, decisive?.Size[row] ?? 0,
                told ? 1 + ran.Sum(attempt => attempt.Forward[row]) : null,
                told ? ran.Sum(attempt => attempt.Backward[row]) : null);
        }

        IEnumerable<float> Of(float[] logits, int row) => logits.Skip(row * Classes).Take(Classes);
    }

    /// <summary>Writes the file, which is the old or the new one, whenever the process stops.</summary>
    public void Write(string path, IReadOnlyDictionary<string, string> settings)
    {
        using var scope = NewDisposeScope();
        var tensors = Arrays().Select(array => (array.Name, ToTensor(array.Values))).ToList();
        if (examples is not null) tensors.Add(("examples", Examples));
        var place = new Place(Version, settings, Steps, Rows, Classes, Spread, BatchSpread);
        Safetensors.Write(path, tensors, new Dictionary<string, string> { [MetadataName] = JsonSerializer.Serialize(place, Json) });
    }

    /// <summary>Takes over what a file holds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="settings">What has to be the same.</param>
    /// <param name="images">All images, whose shape the examples have.</param>
    /// <param name="dtype">The dtype of the examples.</param>
    /// <exception cref="CheckpointException">It is damaged, or of another evaluation; the message names what differs.</exception>
    public void Read(string path, IReadOnlyDictionary<string, string> settings, Tensor images, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var tensors = Safetensors.Read(path, requireDigest: true);
        var place = ReadPlace(path);
        string Text(IReadOnlyDictionary<string, string> texts, string name) => texts.GetValueOrDefault(name, "nothing");
        var differences = settings.Keys.Union(place.Settings.Keys)
            .Where(name => Text(place.Settings, name) != Text(settings, name))
            .Select(name => $"{name}: {Text(place.Settings, name)} in the file, {Text(settings, name)} given").ToArray();
        if (differences.Length > 0) throw Fault(path, "the state of this evaluation", string.Join("; ", differences));

        if (place.Rows < 0 || place.Rows > Count || place.Classes < 0 || place.Steps < 0) throw Fault(path, "a sound place", $"{place}");
        (Steps, Rows, Spread, BatchSpread) = (place.Steps, place.Rows, place.Spread, place.BatchSpread);
        // Nothing is allocated that the file does not have.
        if (options.KeepLogits && tensors.GetValueOrDefault("clean.logits")?.numel() != (long)Count * place.Classes)
            throw Fault(path, $"clean.logits of {Count} points and {place.Classes} classes", "another size");
        if (place.Classes > 0) Allocate(place.Classes);
        foreach (var (name, values) in Arrays()) CopyTo(Tensor(name, ToTensor(values)), values);
        if (options.ExamplesFile is null || Rows == 0) return;
        examples = zeros(images.shape, dtype: dtype).DetachFromDisposeScope();
        examples.narrow(0, 0, Rows).copy_(Tensor("examples", Examples));

        Tensor Tensor(string name, Tensor like)
        {
            var tensor = tensors.GetValueOrDefault(name);
            if (tensor?.dtype == like.dtype && tensor.shape.SequenceEqual(like.shape)) return tensor;
            var found = tensor is null ? "none" : $"{tensor.dtype} [{string.Join(",", tensor.shape)}]";
            throw Fault(path, $"the tensor '{name}', {like.dtype} [{string.Join(",", like.shape)}]", found);
        }
    }

    public void Dispose() => examples?.Dispose();

    private IEnumerable<Attempt> Before(int attempt) =>
        Attempts.Take(attempt).Where(other => options.Sequential || other.Attack == Attempts[attempt].Attack);

    private void Allocate(int classes)
    {
        Classes = classes;
        if (!options.KeepLogits) return;
        Logits = new float[checked(Count * classes)];
        foreach (var attempt in Attempts) attempt.Logits = new float[Logits.Length];
    }

    private IEnumerable<(string Name, Array Values)> Arrays()
    {
        yield return ("clean.right", Right);
        yield return ("clean.not_finite", NotFinite);
        yield return ("clean.gradient_faults", GradientFaults);
        yield return ("clean.probability", Probability);
        yield return ("clean.prediction", Prediction);
        yield return ("clean.logits", Logits);
        for (var i = 0; i < Attempts.Count; i++)
        {
            yield return ($"attempt.{i}.outcome", Attempts[i].Outcome);
            yield return ($"attempt.{i}.size", Attempts[i].Size);
            yield return ($"attempt.{i}.forward", Attempts[i].Forward);
            yield return ($"attempt.{i}.backward", Attempts[i].Backward);
            yield return ($"attempt.{i}.prediction", Attempts[i].Prediction);
            yield return ($"attempt.{i}.met_not_finite", Attempts[i].MetNotFinite);
            yield return ($"attempt.{i}.gradient_faults", Attempts[i].GradientFaults);
            yield return ($"attempt.{i}.beyond", Attempts[i].Beyond);
            yield return ($"attempt.{i}.logits", Attempts[i].Logits);
        }
    }

    private static Tensor ToTensor(Array values) => values switch
    {
        bool[] flags => tensor(flags, dtype: ScalarType.Bool),
        byte[] bytes => tensor(bytes, dtype: ScalarType.Byte),
        long[] numbers => tensor(numbers, dtype: ScalarType.Int64),
        double[] numbers => tensor(numbers, dtype: ScalarType.Float64),
        _ => tensor((float[])values, dtype: ScalarType.Float32),
    };

    private static void CopyTo(Tensor from, Array values)
    {
        switch (values)
        {
            case bool[] flags: from.data<bool>().ToArray().CopyTo(flags, 0); break;
            case byte[] bytes: from.data<byte>().ToArray().CopyTo(bytes, 0); break;
            case long[] numbers: from.data<long>().ToArray().CopyTo(numbers, 0); break;
            case double[] numbers: from.data<double>().ToArray().CopyTo(numbers, 0); break;
            default: from.data<float>().ToArray().CopyTo((float[])values, 0); break;
        }
    }

    private static Place ReadPlace(string path)
    {
        if (!Safetensors.ReadMetadata(path).TryGetValue(MetadataName, out var text))
            throw Fault(path, $"the state of an evaluation, with the metadata entry {MetadataName}", "a file without it");
        try
        {
            if (JsonSerializer.Deserialize<Place>(text, Json) is { Version: Version } place) return place;
            throw Fault(path, $"the state of an evaluation of version {Version}", "another version");
        }
        catch (JsonException exception)
        {
            throw new CheckpointException(path, 8, $"JSON of an evaluation of version {Version}", exception.Message, exception);
        }
    }

    private static CheckpointException Fault(string path, string expected, string found) => new(path, 8, expected, found);
}
