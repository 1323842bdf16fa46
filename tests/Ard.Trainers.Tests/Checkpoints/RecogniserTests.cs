namespace Ard.Trainers.Tests.Checkpoints;

public sealed class RecogniserTests
{
    private static List<TensorInfo> State(string name, int classes = 10, int channels = 3, int size = 32)
    {
        using var scope = NewDisposeScope();
        using var network = (NetworkSpec.Parse(name) with { Classes = classes, InputChannels = channels, ImageSize = size }).Build(seed: 1);
        return [.. network.state_dict().Select(pair => new TensorInfo(pair.Key, pair.Value.dtype, pair.Value.shape))];
    }

    private static List<TensorInfo> Renamed(IEnumerable<TensorInfo> state, Func<string, string> rename) =>
        [.. state.Select(tensor => tensor with { Name = rename(tensor.Name) })];

    [Theory]
    [InlineData("resnet18-8", 10, 3, 32)]
    [InlineData("resnet18", 100, 3, 32)]
    [InlineData("resnet34-4", 10, 3, 32)]
    [InlineData("resnet8", 10, 3, 32)]
    [InlineData("resnet20", 10, 1, 32)]
    [InlineData("resnet56-4", 10, 3, 32)]
    [InlineData("resnet110-2", 10, 3, 32)]
    [InlineData("preactresnet18-8", 10, 3, 32)]
    [InlineData("preactresnet18-8-bn", 10, 3, 32)]
    [InlineData("preactresnet34-4", 10, 3, 32)]
    [InlineData("wideresnet-10-1", 10, 3, 32)]
    [InlineData("wideresnet-28-2", 100, 3, 32)]
    [InlineData("wideresnet-16-2-sub_block1", 10, 3, 32)]
    [InlineData("mobilenetv2", 10, 3, 32)]
    [InlineData("smallcnn", 10, 3, 32)]
    [InlineData("smallcnn-4-bn", 10, 1, 28)]
    [InlineData("tinycnn", 10, 3, 32)]
    [InlineData("tinycnn-8-bn", 4, 1, 28)]
    [InlineData("torchvision/resnet18-8", 10, 3, 224)]
    [InlineData("torchvision/resnet34-4", 3, 1, 224)]
    [InlineData("torchvision/resnet50-4", 10, 3, 224)]
    [InlineData("torchvision/mobilenetv2", 2, 3, 224)]
    [InlineData("robustbench/wideresnet-16-2", 10, 3, 32)]
    [InlineData("robustbench/preactresnet18-4", 10, 3, 32)]
    public void Every_network_is_recognised_whatever_is_before_its_names(string name, int classes, int channels, int size)
    {
        var state = State(name, classes, channels, size);
        var expected = NetworkSpec.Parse(name) with { Classes = classes, InputChannels = channels, ImageSize = size };
        foreach (var prefix in new[] { "", "module.", "module.basic_net.", "1.", "model.", "module.model.", "net.", "_orig_mod.module.1." })
        {
            var recognised = NetworkRecogniser.Recognise(Renamed(state, key => prefix + key));
            Assert.Equal(expected, recognised.Spec);
            Assert.Equal($"looks like {expected}, {classes} classes, {channels} input channel(s)", recognised.Description);
        }
        // Beside other tensors, and in another order, as safetensors files have them.
        var beside = state.Append(Info("normalize.mean", 3)).OrderBy(tensor => tensor.Name, StringComparer.Ordinal);
        Assert.Equal(expected, NetworkRecogniser.Recognise([.. beside]).Spec);
    }

    // The description says what a proposal means at full size, without weights of 180 MB.
    [Fact]
    public void WideResNet_34_10_is_recognised_from_shapes_alone()
    {
        var state = new List<TensorInfo> { Info("conv1.weight", 16, 3, 3, 3), Info("fc.weight", 10, 640) };
        foreach (var (block, width) in new[] { ("block1", 160), ("block2", 320), ("block3", 640) })
        {
            for (var i = 0; i < 5; i++)
            {
                state.Add(Info($"{block}.layer.{i}.conv1.weight", width, i == 0 ? width / 2 : width, 3, 3));
                state.Add(Info($"{block}.layer.{i}.conv2.weight", width, width, 3, 3));
            }
        }
        Assert.Equal("looks like wideresnet-34-10, 10 classes, 3 input channel(s)", NetworkRecogniser.Recognise(state).Description);
        // Without its last block it is none: 5, 5 and 4.
        state.RemoveAll(tensor => tensor.Name.StartsWith("block3.layer.4"));
        Assert.Contains("its three stages do not go together", NetworkRecogniser.Recognise(state).Description);
    }

    private static TensorInfo Info(string name, params long[] shape) => new(name, ScalarType.Float32, shape);

    public static TheoryData<string, string, string> Dialects => new()
    {
        { "resnet18-4", "torchvision", "downsample" },
        { "preactresnet18-4", "fc", "fc is linear" },
        { "mobilenetv2", "classifier", "classifier is linear" },
        { "wideresnet-10-1", "linear", "linear is fc" },
        { "smallcnn-4", "numbers", "numbers" },
        { "resnet18-4", "weiaicunzai", "residual_function" },
    };

    [Theory]
    [MemberData(nameof(Dialects))]
    public void Names_of_other_definitions_are_read_and_loaded(string name, string dialect, string naming)
    {
        using var scope = NewDisposeScope();
        using var source = NetworkSpec.Parse(name).Build(seed: 1);
        var folder = Directory.CreateTempSubdirectory("ard-dialect-").FullName;
        try
        {
            var path = Path.Combine(folder, "foreign.safetensors");
            Safetensors.Write(path, source.state_dict().Select(pair => ($"module.{Foreign(pair.Key)}", pair.Value)));
            using var imported = ModelFile.Import(path);
            Assert.Equal(NetworkSpec.Parse(name), imported.Spec);
            Assert.Contains(naming, imported.Report.Naming);
            Assert.Equal("module.", imported.Report.Prefix);
            source.eval();
            var images = rand(2, 3, 32, 32, generator: new Generator(1));
            Assert.Equal(source.call(images).data<float>().ToArray(), imported.Network.call(images).data<float>().ToArray());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        string Foreign(string key) => dialect switch
        {
            "torchvision" => key.Replace(".shortcut.", ".downsample.").Replace("linear.", "fc."),
            "fc" => key.Replace("linear.", "fc."),
            "classifier" => key.Replace("linear.", "classifier."),
            "linear" => key.Replace("fc.", "linear."),
            "numbers" => key.Replace("net.", ""),
            _ => key.StartsWith("layer")
                ? $"conv{key[5] - '0' + 1}_x{key[6..]}"
                    .Replace(".conv1.", ".residual_function.0.").Replace(".bn1.", ".residual_function.1.")
                    .Replace(".conv2.", ".residual_function.3.").Replace(".bn2.", ".residual_function.4.")
                : key.Replace("conv1.", "conv1.0.").Replace("bn1.", "conv1.1.").Replace("linear.", "fc."),
        };
    }

    [Fact]
    public void What_is_not_built_in_is_said_with_the_reason()
    {
        Says("option B", Renamed(State("resnet20").Append(Info("layer2.0.shortcut.0.weight", 32, 16, 1, 1)), key => key));
        // By the names of torchvision, too.
        var foreign = Renamed(State("resnet20"), key => key.Replace("linear.", "fc."));
        Says("option B", [.. foreign, Info("layer2.0.downsample.0.weight", 32, 16, 1, 1)]);
        foreign = Renamed(State("preactresnet18-4"), key => key.Replace("linear.", "fc.").Replace(".shortcut.", ".downsample."));
        Says("a PreActResNet whose shortcuts have a BatchNorm", [.. foreign, Info("layer2.0.downsample.1.weight", 8)]);
        Says("bottleneck blocks for CIFAR", [.. State("resnet18-4"), Info("layer1.0.conv3.weight", 16, 4, 1, 1)]);
        Says("stem", [.. State("resnet18-4").Where(t => t.Name != "conv1.weight"), Info("conv1.weight", 4, 3, 5, 5)]);
        Says("for ImageNet of other blocks", [.. State("torchvision/resnet50-4"), Info("layer3.6.conv2.weight", 16, 16, 3, 3)]);
        Says("RobustBench's WideResNet", [.. State("robustbench/wideresnet-10-1").Where(t => !t.Name.StartsWith("layer.2"))]);
        Says("RobustBench's PreActResNet", [.. State("robustbench/preactresnet18-4").Where(t => !t.Name.StartsWith("layer_2.1"))]);
        Says("other numbers of blocks", [.. State("resnet18-4").Where(t => !t.Name.StartsWith("layer3.1"))]);
        Says("shortcuts have no BatchNorm", [.. State("resnet18-4").Where(t => !t.Name.Contains("shortcut.1"))]);
        Says("last layer", [.. State("resnet18-4").Where(t => !t.Name.StartsWith("linear"))]);
        Says("other widths", [.. State("mobilenetv2").Select(t => t.Name == "conv1.weight" ? Info(t.Name, 16, 3, 3, 3) : t)]);
        Says("no multiples of 16", [.. State("wideresnet-10-1").Select(t => t.Name == "conv1.weight" ? Info(t.Name, 8, 3, 3, 3) : t)]);
        Says("torchvision's MobileNetV2", [Info("features.0.0.weight", 32, 3, 3, 3), Info("features.18.0.weight", 1280, 320, 1, 1)]);
        Says("a plain sequence of layers", [Info("net.0.weight", 10, 3072), Info("net.0.bias", 10)]);
        Says("no built-in network", [Info("encoder.weight", 3, 3)]);
        Says("no built-in network", []);
        Says("20001 tensors", [.. Enumerable.Range(0, 20_001).Select(i => Info($"{i}", 1))]);

        static void Says(string reason, List<TensorInfo> state)
        {
            var recognised = NetworkRecogniser.Recognise(state);
            Assert.Null(recognised.Spec);
            Assert.StartsWith("not recognised: ", recognised.Description);
            Assert.Contains(reason, recognised.Description);
            if (state.Count > 20_000) return;
            Assert.EndsWith("; a module of your own takes them by ModelFile.Load(path, yourModule)", recognised.Description);
        }
    }

    [Fact]
    public void Names_made_to_waste_time_do_not()
    {
        // 20,000 names, each with wrappers of its own before it.
        string[] wrappers = ["module", "net", "model", "0", "1", "network", "basic_net"];
        var state = Enumerable.Range(0, 20_000).Select(i => Info($"{Prefix(i)}.{i}{new string('x', 100)}", 1)).ToList();
        Assert.Null(NetworkRecogniser.Recognise(state).Spec);

        string Prefix(int i) => string.Join('.', Enumerable.Range(0, 6).Select(k => wrappers[i / (int)Math.Pow(7, k) % 7]));
    }
}
