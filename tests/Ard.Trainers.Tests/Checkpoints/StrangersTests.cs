using static Ard.Trainers.Tests.Checkpoints.PytorchFileTests;

namespace Ard.Trainers.Tests.Checkpoints;

/// <summary>
/// Checkpoints as programs write them: with objects beside the state dict, with several state dicts, with averages; recorded by
/// make_stranger_fixtures.py. Weight i of a network there is (first + i) / 256.
/// </summary>
public sealed class StrangersTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-strangers-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static ImportReport AssertWeights(string name, int first, string? key = null)
    {
        using var scope = NewDisposeScope();
        using var imported = ModelFile.Import(Fixture($"strangers-{name}.pt"), key: key);
        Assert.Equal("tinycnn-1", $"{imported.Spec}");
        var weights = imported.Network.parameters().SelectMany(weight => weight.flatten().data<float>().ToArray()).ToArray();
        Assert.Equal(Enumerable.Range(first, 134).Select(i => i / 256f), weights);
        return imported.Report;
    }

    [Theory]
    [InlineData("beside")]
    [InlineData("beside-protocol4")]
    [InlineData("beside-legacy")]
    [InlineData("beside-legacy-protocol5")]
    public void Objects_beside_the_state_dict_are_named_and_left_out(string name)
    {
        var report = AssertWeights(name, 0);
        Assert.Equal("state_dict", report.Key);
        foreach (var (key, type) in new[]
        {
            ("counter", "collections.Counter"), ("scheduler.milestones", "collections.Counter"), ("set", "set"), ("frozenset", "frozenset"),
            ("numpy_scalar", "numpy.core.multiarray.scalar"), ("args", "argparse.Namespace"), ("path", "pathlib.PurePosixPath"),
            ("when", "datetime.datetime"), ("complex", "complex"), ("enum", "getattr"), ("config", "__main__.Config"),
            ("partial", "functools.partial"), ("slice", "slice"),
            ("quantized", "torch._utils._rebuild_qtensor"), ("sparse", "torch._utils._rebuild_sparse_tensor"),
        })
        {
            var found = report.Skipped.Select(left => left.Replace("__builtin__.", "").Replace("builtins.", ""));
            Assert.Contains($"{key} ({type})", found);
        }
        Assert.Contains(report.Skipped, left => left.StartsWith("complex_tensor (tensor on torch.Complex", StringComparison.Ordinal));
        Assert.Contains("optimizer.state.[0]", report.Skipped);
    }

    [Fact]
    public void Of_a_list_of_model_and_optimizer_the_model_is_taken()
    {
        var report = AssertWeights("pair", 0);
        Assert.Equal("0", report.Key);
        Assert.Contains("1.state.[0]", report.Skipped);
    }

    [Fact]
    public void Of_several_networks_in_a_list_one_has_to_be_named_by_its_place()
    {
        var fault = Assert.Throws<DataFileException>(() => ModelFile.Import(Fixture("strangers-cascade.pt")));
        Assert.Contains("'state_dict.0', 'state_dict.1'", fault.Message);
        Assert.Equal("state_dict.0", AssertWeights("cascade", 0, "state_dict.0").Key);
        Assert.Equal("state_dict.1", AssertWeights("cascade", 100, "state_dict.1").Key);
    }

    [Theory]
    [InlineData("ema", "model_ema")]
    [InlineData("ema-in-one", "ema_model")]
    public void Beside_averaged_weights_the_last_ones_are_taken_and_the_report_says_how_to_have_the_others(string name, string key)
    {
        var report = AssertWeights(name, 0);
        Assert.Contains(report.Notes, note => note.Contains("the weights are the last ones") && note.Contains($"'{key}'"));
        Assert.Contains(key, report.Skipped);
        var averaged = AssertWeights(name, 100, key);
        Assert.Equal(key, averaged.Key);
        Assert.DoesNotContain(averaged.Notes, note => note.Contains("the last ones"));
    }

    [Fact]
    public void Averaged_weights_under_the_more_usual_name_are_taken_where_there_are_no_others()
    {
        Action<Pickle> state = p => p.Item("w", q => q.Tensor([1], [1], 1));
        Action<Pickle> averaged = p => p.Item("state_dict", state);
        var path = Path.Combine(folder, "average.pt");
        File.WriteAllBytes(path, Pickle.Archive(p => p.Item("net", state).Text("ema").Do(averaged).Raw('s'), storage: 4));
        using (var file = WeightsFile.Open(path)) Assert.Equal(("net", "ema.state_dict"), (file.Key, Assert.Single(file.Averages)));
        File.WriteAllBytes(path, Pickle.Archive(
            p => p.Item("best", q => q.Tensor([], [], 1)).Text("ema").Do(averaged).Raw('s'), storage: 4));
        using (var file = WeightsFile.Open(path)) Assert.Equal("ema.state_dict", file.Key);
    }

    [Fact]
    public void Counters_beside_the_weights_are_left_out()
    {
        var report = AssertWeights("swa", 100);
        Assert.Equal(("swa_model", "module."), (report.Key, report.Prefix));
        Assert.Contains("n_averaged", report.Skipped);
        Assert.Contains("initted", AssertWeights("ema-in-one", 0).Skipped);
    }

    [Fact]
    public void A_prefix_that_all_names_share_is_stripped_whatever_it_is_called() =>
        Assert.Equal("classifier_under_test.inner.", AssertWeights("prefix", 0).Prefix);

    [Fact]
    public void Weights_that_are_not_finite_are_refused_by_their_names_wherever_they_are_read()
    {
        var spec = NetworkSpec.Parse("tinycnn-1") with { Classes = 2, ImageSize = 4 };
        using var scope = NewDisposeScope();
        using var network = spec.Build(seed: 1);
        var path = Path.Combine(folder, "infinite.safetensors");
        using (no_grad()) network.parameters().Last().fill_(float.PositiveInfinity);
        ModelFile.Write(path, network);
        using var other = spec.Build(seed: 2);
        var before = other.parameters().First().clone();
        foreach (var (read, tensor, found) in new (Action, string, string)[]
        {
            (() => ModelFile.Import(Fixture("strangers-nan.pt")), "net.2.weight", "1 of 18"),
            (() => ModelFile.Load(Fixture("strangers-nan.pt"), other), "net.2.weight", "1 of 18"),
            (() => ModelFile.Read(path), "net.7.bias", "2 of 2"),
            (() => ModelFile.Load(path, other), "net.7.bias", "2 of 2"),
        })
        {
            var fault = Assert.Throws<DataFileException>(read);
            Assert.Contains($"'{tensor}'", fault.Message);
            Assert.Contains($"NaN or infinity in {found} elements", fault.Message);
        }
        Assert.True(before.eq(other.parameters().First()).all().item<bool>());
        // What is finite in double precision only.
        var state = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.to(ScalarType.Float64).fill_(1e300));
        Safetensors.Write(path, state);
        Assert.Contains("NaN or infinity", Assert.Throws<DataFileException>(() => ModelFile.Load(path, other)).Message);
    }

    [Fact]
    public void A_file_of_TorchSharp_is_read()
    {
        using var scope = NewDisposeScope();
        var spec = NetworkSpec.Parse("tinycnn-2-bn") with { Classes = 4, ImageSize = 8 };
        var path = Path.Combine(folder, "network.dat");
        using var network = spec.Build(seed: 3);
        network.save(path);
        using var imported = ModelFile.Import(path);
        Assert.Equal(spec, imported.Spec);
        Assert.Equal(WeightsFormat.TorchSharp, imported.Report.Format);
        var read = imported.Network.state_dict();
        foreach (var (name, tensor) in network.state_dict()) Assert.True(tensor.eq(read[name]).all().item<bool>(), name);

        // Every type of elements, a scalar and nothing.
        using var kinds = new Kinds();
        kinds.save(path);
        using var file = WeightsFile.Open(path);
        var tensors = file.Read();
        foreach (var (name, tensor) in kinds.state_dict())
        {
            Assert.Equal(tensor.dtype, tensors[name].dtype);
            Assert.Equal(tensor.shape, tensors[name].shape);
            Assert.True(tensor.eq(tensors[name]).all().item<bool>(), name);
        }
        file.Dispose();

        // Cut anywhere, and gone on with.
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length += 3)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<DataFileException>(() => ReadAll(path));
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        Assert.Contains("the end of the file", Assert.Throws<DataFileException>(() => ReadAll(path)).Message);
    }

    private static void ReadAll(string path)
    {
        using var scope = NewDisposeScope();
        using var file = WeightsFile.Open(path);
        file.Read();
    }

    internal sealed class Kinds : Module
    {
        public Kinds() : base(nameof(Kinds))
        {
            foreach (var type in new[]
            {
                ScalarType.Byte, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Float16,
                ScalarType.Float32, ScalarType.Float64, ScalarType.Bool, ScalarType.BFloat16,
            })
                register_buffer($"{type}", arange(6, ScalarType.Float32).reshape(2, 3).to(type));
            register_buffer("scalar", tensor(7f));
            register_buffer("none", empty([0, 3]));
        }
    }
}
