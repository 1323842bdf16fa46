using System.Diagnostics;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Tests.Rank;

if (args is ["foreign", var library]) return ForeignMpi.Run(library);
if (args is ["device"])
{
    Console.WriteLine(Ard.Trainers.Training.TrainingDevice.Find("auto").type);
    return 0;
}
var group = ProcessGroup.Current;
switch (args)
{
    case ["group"]:
        return Group();
    case ["in-place"]:
        return InPlace();
    case ["sum", var count]:
        return Sum(int.Parse(count, CultureInfo.InvariantCulture));
    case ["exception", var rank]:
        Fail(int.Parse(rank, CultureInfo.InvariantCulture), () => throw new InvalidDataException("the data of this rank are bad"));
        return 0;
    case ["abort", var rank]:
        Fail(int.Parse(rank, CultureInfo.InvariantCulture), () => group.Abort("the disk is full"));
        return 0;
    case ["exit", var rank]:
        Fail(int.Parse(rank, CultureInfo.InvariantCulture), () => Environment.Exit(7));
        return 0;
    case ["libraries"]:
        Console.WriteLine($"rank {group.Rank} of {group.Size}");
        using (var number = TorchSharp.torch.ones(1)) group.Sum(new float[1]);
        foreach (var line in File.ReadLines("/proc/self/maps").Where(line => line.Contains(".so", StringComparison.Ordinal)))
            Console.WriteLine(Path.GetFileName(line.Split(' ')[^1]));
        return 0;
    case ["train", var folder, .. var methods]:
        foreach (var method in methods) Console.WriteLine($"rank {group.Rank}: {method} {Methods.Train(method, folder)}");
        return 0;
    case ["run", var folder, var epochs]:
        return Methods.Run(folder, int.Parse(epochs, CultureInfo.InvariantCulture));
    case ["evaluate", var folder]:
        return Methods.Evaluate(folder, shard: null);
    case ["evaluate", var folder, var shard]:
        return Methods.Evaluate(folder, EvaluationShard.Parse(shard));
    case ["alone"]:
        group.Together(() => Thread.Sleep(group.Rank == 0 ? 0 : 6000));
        Console.WriteLine($"rank {group.Rank} goes on");
        return 0;
    case ["wait"]:
        Wait();
        return 0;
    default:
        Console.Error.WriteLine($"'{string.Join(" ", args)}' is not known.");
        return 2;
}

// What the members give, with a NullReferenceException caught before and after.
int Group()
{
    float[] floats = [group.Rank + 1, 0.5f];
    double[] doubles = [1e-12 * (group.Rank + 1)];
    byte[] text = group.Rank == 1 ? [1, 2, 3] : new byte[3];
    var caught = CatchNullReference();
    group.Sum(floats);
    group.Sum(doubles);
    group.Broadcast(text, root: 1);
    caught += CatchNullReference();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"rank {group.Rank} of {group.Size}: {string.Join(' ', floats)}, {doubles[0] * 1e12:F6}, {string.Join(' ', text)}, "
        + $"caught {caught}, local {group.LocalRank} of {group.LocalSize}"));
    return 0;
}

// The middle of a tensor, and one of doubles, by their addresses.
int InPlace()
{
    using var scope = TorchSharp.torch.NewDisposeScope();
    var floats = TorchSharp.torch.arange(4, dtype: TorchSharp.torch.ScalarType.Float32).add_(group.Rank);
    group.SumInPlace(floats.narrow(0, 1, 2));
    var doubles = TorchSharp.torch.tensor(new[] { 1.0, 2.0 }).add_(group.Rank);
    group.SumInPlace(doubles);
    Console.WriteLine($"rank {group.Rank}: {string.Join(' ', floats.data<float>())}; {string.Join(' ', doubles.data<double>())}");
    return 0;
}

static int CatchNullReference()
{
    try
    {
        return Length(null!);
    }
    catch (NullReferenceException)
    {
        return 1;
    }

    static int Length(string text) => text.Length;
}

// Milliseconds of a sum, the median of 21.
int Sum(int count)
{
    var values = new float[count];
    var times = new double[21];
    for (var run = 0; run < times.Length; run++)
    {
        Array.Fill(values, 1f);
        group.Sum(new float[1]);
        var watch = Stopwatch.StartNew();
        group.Sum(values);
        times[run] = watch.Elapsed.TotalMilliseconds;
        if (values[count / 2] != group.Size) throw new InvalidDataException($"{values[count / 2]} in place of {group.Size}");
    }
    Array.Sort(times);
    if (group.Rank == 0) Console.WriteLine(times[10].ToString("F3", CultureInfo.InvariantCulture));
    return 0;
}

void Fail(int rank, Action fail)
{
    if (group.Rank == rank) fail();
    // The others wait for it.
    group.Sum(new float[1]);
    Console.WriteLine($"rank {group.Rank} goes on");
}

// Sums until somebody ends it.
void Wait()
{
    var number = new float[1];
    for (var i = 0; ; i++)
    {
        group.Sum(number);
        if (i == 0) Console.WriteLine($"rank {group.Rank} is process {Environment.ProcessId}");
        Thread.Sleep(10);
    }
}
