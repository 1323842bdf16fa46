using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Networks;

/// <summary>
/// What the usual PyTorch definition of a network says: number of parameters, names and shapes of its state dict, and, with weights and
/// images from a formula (<see cref="Fill"/>), its logits and input gradients in float64. Recorded with PyTorch 1.13.1; those of
/// torchvision and RobustBench by Fixtures/record.py.
/// </summary>
internal sealed class Fixture
{
    private readonly Dictionary<string, double[]> numbers = [];

    public Fixture(string name)
    {
        foreach (var line in File.ReadLines(System.IO.Path.Combine(Folder(), "Fixtures", $"{name.Replace('/', '-')}.txt")))
        {
            var fields = line.Split(' ');
            if (fields[1].StartsWith('[')) StateDict.Add(line);
            else numbers[fields[0]] = [.. fields[1..].Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
        }
    }

    /// <summary>Lines "name [shape]" in the order of the state dict.</summary>
    public List<string> StateDict { get; } = [];

    public long Parameters => (long)numbers["parameters"][0];

    public double[] this[string name] => numbers[name];

    /// <summary>The k-th series of n numbers in [-0.5,0.5), the same in every language.</summary>
    public static Tensor Series(long[] shape, long k)
    {
        var values = new double[shape.Aggregate(1L, (a, b) => a * b)];
        for (long i = 0; i < values.Length; i++) values[i] = (i * 7919 + k * 104729 + 12345) % 65521 / 65521.0 - 0.5;
        return tensor(values).reshape(shape);
    }

    /// <summary>Sets all of a float64 network's weights and buffers by the formula with which the numbers were recorded.</summary>
    public static void Fill(Module network)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var state = network.state_dict();
        var k = 0;
        foreach (var name in state.Keys.Order(StringComparer.Ordinal))
        {
            var target = state[name];
            var v = Series(target.shape, k++);
            if (name.EndsWith("num_batches_tracked")) target.zero_();
            else if (target.dim() > 1) target.copy_(v * (2 * Math.Sqrt(6.0 / (target.numel() / target.shape[0]))));
            else if (name.EndsWith("running_var")) target.copy_(v + 1);
            else if (name.EndsWith("running_mean") || name.EndsWith("bias")) target.copy_(v * 0.2);
            else target.copy_(v / 2 + 1);
        }
    }

    public static Tensor Images(int height = 32, int width = 32) => Series([2, 3, height, width], 1000).add_(0.5);

    private static string Folder([CallerFilePath] string here = "") => System.IO.Path.GetDirectoryName(here)!;
}
