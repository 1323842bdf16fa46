using Ard.Trainers.Onnx;
using Ard.Trainers.Onnx.Schema;

namespace Ard.Trainers.Tests.Onnx;

[Collection("global random state")]
public sealed class OnnxExportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-onnx-").FullName;

    private string FileName => Path.Combine(folder, "model.onnx");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ModelProto Written => ModelProto.Parser.ParseFrom(File.ReadAllBytes(FileName));

    private static Module<Tensor, Tensor> Tiny(string name = "tinycnn-2-bn") =>
        (NetworkSpec.Parse(name) with { ImageSize = 8 }).Build(seed: 1);

    // What a Sequential with one layer between a convolution and a linear layer gives, in ONNX Runtime and here.
    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Layers = new()
    {
        ["convolution with stride, dilation and groups"] =
            () => Conv2d(4, 8, (3, 2), stride: (2, 1), padding: (2, 1), dilation: (2, 1), groups: 2),
        ["convolution of the same size"] = () => Conv2d(4, 4, (4, 3), TorchSharp.Padding.Same, dilation: (1, 2), bias: false),
        ["convolution without padding"] = () => Conv2d(4, 4, 3, TorchSharp.Padding.Valid),
        ["ReLU"] = () => ReLU(inplace: true),
        ["ReLU6"] = () => ReLU6(inplace: true),
        ["LeakyReLU"] = () => LeakyReLU(0.2, inplace: true),
        ["SiLU"] = () => SiLU(),
        ["GELU"] = () => GELU(),
        ["Sigmoid"] = () => Sigmoid(),
        ["Tanh"] = () => Tanh(),
        ["Hardswish"] = () => Hardswish(),
        ["MaxPool2d"] = () => MaxPool2d(2),
        ["MaxPool2d with padding and dilation"] = () => MaxPool2d((3, 2), (2, 3), (1, 1), (2, 1)),
        ["MaxPool2d with everything"] = () => MaxPool2d((3, 3), (4, 3), (1, 1), (2, 1), ceil_mode: true),
        ["AvgPool2d"] = () => AvgPool2d(3),
        ["AvgPool2d with padding"] = () => AvgPool2d(3, stride: 2, padding: 1),
        ["AvgPool2d that does not count its padding"] = () => AvgPool2d(3, stride: 2, padding: 1, count_include_pad: false),
        ["AdaptiveAvgPool2d"] = () => AdaptiveAvgPool2d(1),
        ["AdaptiveAvgPool2d of a part"] = () => AdaptiveAvgPool2d((3, 9)),
        ["Dropout"] = () => Dropout(0.5),
        ["Identity"] = () => Identity(),
        ["BatchNorm2d"] = () => BatchNorm2d(4, eps: 0.1),
        ["BatchNorm2d without weights"] = () => BatchNorm2d(4, affine: false),
        ["Normalisation"] = () => new Normalisation([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]),
    };

    public static TheoryData<string> LayerNames => [.. Layers.Keys];

    [Theory]
    [MemberData(nameof(LayerNames))]
    public void ONNX_Runtime_gives_what_a_layer_gives(string name)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var front = Sequential(Conv2d(2, 4, 3, padding: 1), Layers[name]());
        var features = front.call(zeros(1, 2, 9, 9)).flatten(1).shape[1];
        var network = Sequential(front, Flatten(), Linear(features, 12), BatchNorm1d(12), Tanh(), Linear(12, 3, hasBias: false));
        using (new Generator(0)) // running statistics that are not those of a fresh layer
        {
            network.train();
            for (var i = 0; i < 3; i++) network.call(rand(16, 2, 9, 9) * 3).Dispose();
        }
        OnnxExport.Write(FileName, network, new() { ImageShape = (2, 9, 9) });
        network.eval();
        using var model = new OnnxRuntimeModel(FileName);
        foreach (var batch in new[] { 1, 5 })
        {
            var images = rand(batch, 2, 9, 9) * 2 - 0.5;
            Compare.Close(network.call(images), model.Run(images), 0, name, absolute: 1e-5);
        }
    }

    [Fact]
    public void The_file_says_what_it_is_and_takes_any_number_of_images()
    {
        using var network = Tiny();
        OnnxExport.Write(FileName, network, new()
        {
            ClassNames = [.. "abcdefghij".Select(letter => $"class \"ü{letter}\"")],
        });
        using var model = new OnnxRuntimeModel(FileName);
        Assert.Equal([-1, 3, 8, 8], model.Session.InputMetadata["images"].Dimensions);
        Assert.Equal([-1, 10], model.Session.OutputMetadata["logits"].Dimensions);
        Assert.Equal(["batch", "", "", ""], model.Session.InputMetadata["images"].SymbolicDimensions);
        var metadata = model.Session.ModelMetadata;
        Assert.Equal(("ARD for ML.NET", "tinycnn-2-bn"), (metadata.ProducerName, metadata.GraphName));
        Assert.Equal("class \"üc\"", JsonSerializer.Deserialize<string[]>(metadata.CustomMetadataMap["ard.classes"])![2]);
        Assert.Equal("tinycnn-2-bn", NetworkSpec.FromJson(metadata.CustomMetadataMap["ard.network"]).ToString());
        var written = Written;
        Assert.Equal((8, 17), (written.IrVersion, written.OpsetImport.Single().Version));
        // By the names of the state dict, as they are.
        var weights = written.Graph.Initializer.ToDictionary(weight => weight.Name);
        Assert.Equal(
            network.state_dict().Keys.Where(name => !name.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Order(),
            weights.Keys.Order());
        Assert.Equal(network.state_dict()["net.0.weight"].bytes, weights["net.0.weight"].RawData.Span);
    }

    [Fact]
    public void With_a_softmax_the_model_gives_probabilities()
    {
        using var scope = NewDisposeScope();
        using var network = Tiny();
        OnnxExport.Write(FileName, network, new() { Softmax = true });
        using var model = new OnnxRuntimeModel(FileName);
        Assert.Equal(["probabilities"], model.Session.OutputNames);
        var images = rand(4, 3, 8, 8);
        network.eval();
        Compare.Close(network.call(images).softmax(1), model.Run(images), 0, "probabilities", absolute: 1e-6);
    }

    [Fact]
    public void A_layer_that_is_used_twice_has_one_weight()
    {
        using var scope = NewDisposeScope();
        using var network = new Twice();
        OnnxExport.Write(FileName, network, new() { ImageShape = (2, 4, 4) });
        Assert.Single(Written.Graph.Initializer, weight => weight.Name == "conv.weight");
        using var model = new OnnxRuntimeModel(FileName);
        var images = rand(3, 2, 4, 4);
        network.eval();
        Compare.Close(network.call(images), model.Run(images), 1e-5, "logits");
    }

    [Fact]
    public void A_module_of_ones_own_is_exported_by_its_description()
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(Conv2d(3, 4, 3), new Residual(Right), Flatten(), Linear(144, 5));
        OnnxExport.Write(FileName, network, new() { ImageShape = (3, 8, 8) });
        using var model = new OnnxRuntimeModel(FileName);
        var images = rand(3, 3, 8, 8);
        Compare.Close(network.call(images), model.Run(images), 1e-5, "logits");
        Assert.Contains(Written.Graph.Node, node => node.Name == "1.conv/Conv");
    }

    [Fact]
    public void A_description_that_differs_from_the_forward_is_refused_by_the_name_of_its_module()
    {
        using var network = Sequential(Conv2d(3, 4, 3), new Residual((block, x) => x.Then(block.Conv) + x), Flatten(), Linear(144, 5));
        var fault = Assert.Throws<InvalidOperationException>(() => OnnxExport.Write(FileName, network, new() { ImageShape = (3, 8, 8) }));
        Assert.StartsWith("1 (Residual): its description for ONNX differs from its forward by up to ", fault.Message);
        using var other = Sequential(Conv2d(3, 4, 3), new Residual((block, x) => x.Then(block.Conv).GlobalAverage()), Flatten());
        fault = Assert.Throws<InvalidOperationException>(() => OnnxExport.Write(FileName, other, new() { ImageShape = (3, 8, 8) }));
        Assert.StartsWith("1 (Residual): its description for ONNX gives [2,4], its forward [2,4,6,6]", fault.Message);
        Assert.Empty(Directory.GetFiles(folder));
    }

    public static TheoryData<string, Func<Module<Tensor, Tensor>>> Unfit => new()
    {
        { "1.0 (FunctionNetwork) has a forward of its own, which cannot be read. Let FunctionNetwork implement IOnnxModule",
            () => Sequential(Identity(), Sequential(new FunctionNetwork(x => x * 2)), Flatten()) },
        { "0 (Conv2d): expected padding with zeros, found Reflect",
            () => Sequential(Conv2d(3, 2, 3, padding: 1, padding_mode: PaddingModes.Reflect)) },
        { "0 (BatchNorm2d): expected running statistics, found none", () => Sequential(BatchNorm2d(3, track_running_stats: false)) },
        { "0 (AvgPool2d): expected windows that do not reach beyond the end, found ceil_mode on [N,3,8,8]",
            () => Sequential(AvgPool2d(3, stride: 3, ceil_mode: true)) },
        { "0 (AdaptiveAvgPool2d): expected an output size that divides the input's, found 3x3 of [N,3,8,8]",
            () => Sequential(AdaptiveAvgPool2d(3)) },
        { "0 (Linear): expected values [N,features], found [N,3,8,8]", () => Sequential(Linear(8, 2)) },
        { "0 (Flatten): expected flattening of all dimensions but the first, found 2 to -1", () => Sequential(Flatten(2)) },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public void What_cannot_be_exported_is_refused_by_name(string expected, Func<Module<Tensor, Tensor>> build)
    {
        using var network = build();
        var fault = Assert.Throws<NotSupportedException>(() => OnnxExport.Write(FileName, network, new() { ImageShape = (3, 8, 8) }));
        Assert.StartsWith(expected, fault.Message);
        Assert.False(File.Exists(FileName));
    }

    [Fact]
    public void Wrong_settings_networks_and_weights_beyond_the_limit_are_refused()
    {
        using var network = Tiny();
        using var mine = Sequential(Flatten(), Linear(12, 2));
        Assert.Equal(
            "OnnxExportOptions: ImageShape is not set, and Sequential does not say what images it takes; ClassNames has an empty name.",
            Assert.Throws<ArgumentException>(() => OnnxExport.Write(FileName, mine, new()
            {
                ClassNames = ["a", ""],
            })).Message);
        Assert.Equal("OnnxExportOptions: ImageShape is (0, 2, 2), expected 1 or more.",
            Assert.Throws<ArgumentException>(() => OnnxExport.Write(FileName, mine, new() { ImageShape = (0, 2, 2) })).Message);
        Assert.Equal("OnnxExportOptions: ClassNames has 2 names, TinyCnn 10 classes.",
            Assert.Throws<ArgumentException>(() => OnnxExport.Write(FileName, network, new() { ClassNames = ["a", "b"] })).Message);
        using var pool = AvgPool2d(2);
        Assert.Equal("AvgPool2d gives [2,3,4,4] for 2 images, expected logits [2,classes].",
            Assert.Throws<InvalidOperationException>(() => OnnxExport.Write(FileName, pool, new() { ImageShape = (3, 8, 8) })).Message);
        var tooMuch = Assert.Throws<NotSupportedException>(() => OnnxExport.Write(FileName, network, null, mostBytes: 1000));
        Assert.Matches(@"model\.onnx: the network's weights take [\d,]+ bytes, expected fewer than 1,000", tooMuch.Message);
        using var half = Tiny().to(ScalarType.Float16);
        Assert.Contains("Float16, expected Float32 or Float64",
            Assert.Throws<NotSupportedException>(() => OnnxExport.Write(FileName, half)).Message);
        Assert.Empty(Directory.GetFiles(folder));
    }

    public static TheoryData<object?, string> WrongAttributes => new()
    {
        { 1m, "Decimal" }, { new[] { 1, 2 }, "Int32[]" }, { new[] { 1f }, "Single[]" }, { null, "null" },
    };

    [Theory]
    [MemberData(nameof(WrongAttributes))]
    public void An_attribute_of_another_type_is_refused_with_that_type(object? value, string found)
    {
        using var network = Sequential(new Residual((block, x) => (x.Then(block.Conv) + x).Operator(
            "Relu", inputs => inputs[0].relu(), attributes: [("alpha", value!)])), Flatten());
        Assert.Equal(
            $"Relu: the attribute alpha is {found}, expected a number, a text, or an array of long or double.",
            Assert.Throws<ArgumentException>(() => OnnxExport.Write(FileName, network, new() { ImageShape = (4, 8, 8) })).Message);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void The_network_the_random_state_and_memory_are_left_as_they_were()
    {
        using var network = Tiny("resnet8-2");
        network.train();
        Random(network).eval();
        using var before = Generator.Default.get_state();
        var state = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.bytes.ToArray());
        var live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        OnnxExport.Write(FileName, network, new() { Softmax = true });
        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        using var after = Generator.Default.get_state();
        Compare.Same(before, after, "random state");
        Assert.True(network.training);
        Assert.False(Random(network).training);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.All(network.state_dict(), pair => Assert.Equal(state[pair.Key], pair.Value.bytes.ToArray()));

        static Module Random(Module network) => network.named_modules().Single(pair => pair.name == "layer2.0.bn1").module;
    }

    [Fact]
    public void A_network_in_float64_is_written_as_float32()
    {
        using var scope = NewDisposeScope();
        using var network = Tiny().to(ScalarType.Float64);
        OnnxExport.Write(FileName, network);
        using var model = new OnnxRuntimeModel(FileName);
        var images = rand(3, 3, 8, 8);
        network.eval();
        Compare.Close(network.call(images.to(ScalarType.Float64)), model.Run(images), 1e-5, "logits");
    }

    [PythonFact("onnx")]
    public void The_checker_of_the_onnx_package_finds_no_fault()
    {
        string[] networks = ["resnet8-4", "preactresnet18-2-bn", "wideresnet-10-1", "mobilenetv2", "smallcnn-2-bn", "tinycnn-2"];
        var files = networks.Select((name, i) =>
        {
            using var network = Tiny(name);
            var file = Path.Combine(folder, name + ".onnx");
            OnnxExport.Write(
                file, network,
                new() { Softmax = i % 3 == 1, ClassNames = [.. "0123456789".Select(c => $"{c}")] });
            return file;
        }).ToArray();
        var output = Python.Run(["onnx"], """
            import sys, onnx
            for file in sys.argv[1:]:
                onnx.checker.check_model(file, full_check=True)
                model = onnx.load(file)
                print(model.ir_version, model.opset_import[0].version, model.producer_name)
            """, files);
        Assert.Equal(string.Concat(Enumerable.Repeat("8 17 ARD for ML.NET\n", files.Length)), output);
    }

    private static OnnxValue Right(Residual block, OnnxValue x) => (x.Then(block.Conv) + x).Relu();

    [Fact]
    public void A_description_for_one_number_of_images_only_is_not_written()
    {
        using var network = new Fixed();
        var fault = Assert.Throws<InvalidOperationException>(() => OnnxExport.Write(
            FileName, network, new() { ImageShape = (3, 8, 8) }));
        Assert.Contains("works for 2 images and not for 3", fault.Message);
        Assert.False(File.Exists(FileName));
    }

    private sealed class Residual : Module<Tensor, Tensor>, IOnnxModule
    {
        private readonly Func<Residual, OnnxValue, OnnxValue> describe;

        public Residual(Func<Residual, OnnxValue, OnnxValue> describe) : base(nameof(Residual))
        {
            this.describe = describe;
            register_module("conv", Conv);
        }

        public Conv2d Conv { get; } = Conv2d(4, 4, 3, padding: 1);

        public override Tensor forward(Tensor input) => Conv.call(input).add_(input).relu_();

        public OnnxValue ToOnnx(OnnxValue input) => describe(this, input);
    }

    // Its description knows only as many images as it was made with.
    private sealed class Fixed : Module<Tensor, Tensor>, IOnnxModule
    {
        public Fixed() : base(nameof(Fixed))
        {
        }

        public override Tensor forward(Tensor input) => input.flatten(1);

        public OnnxValue ToOnnx(OnnxValue input) => input.Operator(
            "Reshape", x => x[0].reshape(x[1].data<long>().ToArray()), [input.Constant("shape", tensor(new long[] { 2, 3 * 8 * 8 }))]);
    }

    // conv(x) is normalised and used as it is; its second use is normalised only.
    private sealed class Twice : Module<Tensor, Tensor>, IOnnxModule
    {
        private readonly Conv2d conv = Conv2d(2, 2, 1);
        private readonly BatchNorm2d norm = BatchNorm2d(2, eps: 0.5), after = BatchNorm2d(2, eps: 0.5);

        public Twice() : base(nameof(Twice)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var x = conv.call(input);
            x = x + norm.call(x);
            return after.call(conv.call(x)).mean([2, 3]);
        }

        public OnnxValue ToOnnx(OnnxValue input)
        {
            var x = input.Then(conv);
            x += x.Then(norm);
            return x.Then(conv).Then(after).GlobalAverage();
        }
    }
}
