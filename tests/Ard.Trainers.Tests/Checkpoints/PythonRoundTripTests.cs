using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>
/// From PyTorch to this library to a safetensors file and back to PyTorch: the networks on both sides give equal logits. Needs a Python
/// with PyTorch, such as Debian's python3-torch, and is skipped where there is none.
/// </summary>
public sealed class PythonRoundTripTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-python-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [PythonTheory]
    [InlineData("zip", "float32")]
    [InlineData("legacy", "bfloat16")]
    public void A_checkpoint_goes_from_PyTorch_to_ours_to_safetensors_to_PyTorch_with_equal_logits(string container, string type)
    {
        var (checkpoint, images, exported) = (At("checkpoint.pt"), At("images.safetensors"), At("model.safetensors"));
        using var scope = NewDisposeScope();
        using var input = rand([4, 3, 32, 32], generator: new Generator(5));
        Safetensors.Write(images, [("images", input)]);

        // The first run makes a ResNet-20 with a checkpoint around it, and says its logits.
        var theirs = Python("make", checkpoint, images, container, type);
        using var imported = ModelFile.Import(checkpoint);
        Assert.Equal("resnet20", $"{imported.Spec}");
        Assert.Equal("module.", imported.Report.Prefix);
        using (no_grad()) AssertClose(theirs, imported.Network.call(input).flatten().data<float>().ToArray());

        // The second run reads what this library wrote into its own definition.
        ModelFile.Write(exported, imported.Network);
        AssertClose(theirs, Python("read", exported, images));
    }

    [PythonFact]
    public void A_network_trained_here_gives_equal_logits_there()
    {
        var (images, exported) = (At("images.safetensors"), At("model.safetensors"));
        using var scope = NewDisposeScope();
        using var network = NetworkSpec.Parse("resnet20").Build(seed: 3);
        using var input = rand([8, 3, 32, 32], generator: new Generator(5));
        using var _ = no_grad();
        network.call(input);   // moves the running statistics
        network.eval();
        Safetensors.Write(images, [("images", input)]);
        ModelFile.Write(exported, network);
        AssertClose(network.call(input).flatten().data<float>().ToArray(), Python("read", exported, images));
    }

    private string At(string name) => Path.Combine(folder, name);

    private static void AssertClose(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        var scale = expected.Max(Math.Abs);
        Assert.True(scale > 0.1);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-5f * scale);
    }

    private static float[] Python(params string[] arguments)
    {
        var start = new ProcessStartInfo(PythonFactAttribute.Found!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments.Prepend(Script())) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        var words = output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return [.. words.Select(word => float.Parse(word, CultureInfo.InvariantCulture))];
    }

    private static string Script([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Fixtures", "round_trip.py");

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class PythonFactAttribute : FactAttribute
    {
        private static readonly Lazy<string?> Search = new(() =>
            new[] { Environment.GetEnvironmentVariable("ARD_PYTHON"), "python3", "/usr/bin/python3" }.FirstOrDefault(HasTorch));

        public PythonFactAttribute() => Skip = Missing;

        public static string? Found => Search.Value;

        public static string? Missing => Found is null ? "needs a Python with PyTorch (ARD_PYTHON, python3 or /usr/bin/python3)" : null;

        private static bool HasTorch(string? python)
        {
            if (string.IsNullOrEmpty(python)) return false;
            try
            {
                var start = new ProcessStartInfo(python) { RedirectStandardError = true, RedirectStandardOutput = true };
                start.ArgumentList.Add("-c");
                start.ArgumentList.Add("import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)");
                using var process = Process.Start(start)!;
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;   // there is no such program
            }
        }
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class PythonTheoryAttribute : TheoryAttribute
    {
        public PythonTheoryAttribute() => Skip = PythonFactAttribute.Missing;
    }
}
