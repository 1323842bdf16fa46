namespace Ard.Trainers.Tests.Networks;

public sealed class NetworkSpecTests
{
    [Theory]
    [InlineData("resnet18", "resnet18")]
    [InlineData("ResNet-18", "resnet18")]
    [InlineData("resnet-20", "resnet20")]
    [InlineData("resnet18-32", "resnet18-32")]
    [InlineData("preactresnet18", "preactresnet18")]
    [InlineData("preactresnet-18-bn", "preactresnet18-bn")]
    [InlineData("wideresnet-34-10", "wideresnet-34-10")]
    [InlineData("wideresnet-10-1-sub_block1", "wideresnet-10-1-sub_block1")]
    [InlineData(" mobilenetv2 ", "mobilenetv2")]
    [InlineData("smallcnn", "smallcnn")]
    [InlineData("smallcnn-16-bn", "smallcnn-16-bn")]
    [InlineData("tinycnn-8-bn", "tinycnn-8-bn")]
    public void A_short_name_is_read_and_written_back(string text, string written)
    {
        var spec = NetworkSpec.Parse(text);
        Assert.Equal(written, spec.ToString());
        Assert.Equal(spec, NetworkSpec.Parse(spec.ToString()));
    }

    [Fact]
    public void The_numbers_of_a_short_name_are_depth_then_width_or_widen_factor()
    {
        Assert.Equal(new NetworkSpec { Name = "wideresnet", Depth = 34, WidenFactor = 10 }, NetworkSpec.Parse("wideresnet-34-10"));
        Assert.Equal(new NetworkSpec { Name = "resnet", Depth = 20, Width = 8 }, NetworkSpec.Parse("resnet-20-8"));
        Assert.Equal(new NetworkSpec { Name = "smallcnn", Width = 8, BatchNorm = true }, NetworkSpec.Parse("smallcnn-8-bn"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("vgg16")]
    [InlineData("resnet18x")]
    [InlineData("resnet--18")]
    [InlineData("resnet-18-64-2")]
    [InlineData("mobilenetv2-1")]
    [InlineData("smallcnn-16-2")]
    [InlineData("resnet18\nresnet18")]
    [InlineData("wideresnet-34-99999999999")]
    public void A_short_name_of_another_form_is_refused_with_its_text(string text)
    {
        var exception = Assert.Throws<FormatException>(() => NetworkSpec.Parse(text));
        Assert.Contains(text, exception.Message);
    }

    [Theory]
    [InlineData("resnet19", "Depth is 19, resnet expects 18, 34 or 6n+2")]
    [InlineData("resnet2", "Depth is 2, resnet expects")]
    [InlineData("resnet", "Depth is missing, resnet expects")]
    [InlineData("preactresnet20", "Depth is 20, preactresnet expects 18 or 34")]
    [InlineData("wideresnet-34", "WidenFactor is missing")]
    [InlineData("wideresnet-20-10", "Depth is 20, wideresnet expects 6n+4")]
    [InlineData("wideresnet-4-10", "Depth is 4, wideresnet expects 6n+4")]
    [InlineData("wideresnet-34-0", "WidenFactor is 0, expected 1 to")]
    [InlineData("smallcnn-0", "Width is 0, expected 1 to")]
    [InlineData("resnet18-bn", "BatchNorm is set, expected so only for preactresnet, smallcnn")]
    [InlineData("resnet18-sub_block1", "SubBlock1 is set, expected so only for wideresnet")]
    public void A_network_that_does_not_exist_is_refused_with_field_expected_found(string text, string message)
    {
        var exception = Assert.Throws<ArgumentException>(() => NetworkSpec.Parse(text));
        Assert.Contains(message, exception.Message);
    }

    [Fact]
    public void For_other_images_a_definitions_own_normalisation_is_that_for_them()
    {
        var parsed = NetworkSpec.Parse("robustbench/wideresnet-28-10");
        Assert.Equal(parsed with { ImageSize = 64 }, parsed.For(10, 3, 64));
        foreach (var spec in new[] { parsed, parsed.For(100, 3, 32), parsed with { Classes = 100 }, parsed with { InputChannels = 1 } })
        {
            Assert.Equal([0.4914, 0.4822, 0.4465], spec.For(10, 3, 32).Mean);
            Assert.Equal([0.5071, 0.4865, 0.4409], spec.For(100, 3, 32).Mean);
            Assert.Equal([0.2673, 0.2564, 0.2762], spec.For(100, 3, 32).Std);
            if (spec.InputChannels == 3) Assert.Null(spec.For(10, 1, 32).Std);
            spec.For(10, 1, 32).Validate();
        }
        // Whatever else was set stays, as no normalisation does.
        Assert.Equal([0.5, 0.5, 0.5], (parsed with { Mean = [0.5, 0.5, 0.5] }).For(100, 3, 32).Mean);
        Assert.Null((parsed with { Mean = null, Std = null }).For(100, 3, 32).Mean);
        var own = NetworkSpec.Parse("resnet18") with { Mean = [0.4914, 0.4822, 0.4465], Std = [0.2471, 0.2435, 0.2616] };
        Assert.Equal(own with { Classes = 100 }, own.For(100, 3, 32));
    }

    [Fact]
    public void All_faults_are_in_one_message()
    {
        var spec = new NetworkSpec
        {
            Name = "wideresnet",
            Depth = 33,
            Width = 4,
            Classes = 1,
            InputChannels = 0,
            ImageSize = -1,
            Mean = [0.5, 0.5],
            Std = [0, double.NaN],
        };
        var message = Assert.Throws<ArgumentException>(() => spec.Build(seed: 1)).Message;
        foreach (var part in new[] { "Depth is 33", "WidenFactor is missing", "Width is set", "Classes is 1", "InputChannels is 0",
            "ImageSize is -1", "std [0, NaN]", "Mean has 2 values, expected one a channel, 0" })
            Assert.Contains(part, message);

        message = Assert.Throws<ArgumentException>(new NetworkSpec { Name = "vgg", Mean = [0.5, 0.5, 0.5] }.Validate).Message;
        Assert.Contains("Name is 'vgg'", message);
        Assert.Contains("Mean is set alone", message);
    }

    [Fact]
    public void Json_brings_every_field_back()
    {
        var spec = new NetworkSpec
        {
            Name = "wideresnet",
            Depth = 16,
            WidenFactor = 2,
            Classes = 7,
            InputChannels = 1,
            ImageSize = 28,
            SubBlock1 = true,
            Mean = [0.1],
            Std = [1.0 / 3.0],
        };
        var back = NetworkSpec.FromJson(spec.ToJson());
        Assert.Equal(spec, back);
        Assert.Equal(spec.GetHashCode(), back.GetHashCode());
        Assert.Equal(1.0 / 3.0, back.Std![0]);
        Assert.NotEqual(spec, back with { Mean = [0.2] });
        Assert.Equal(
            """{"name":"mobilenetv2","classes":10,"inputChannels":3,"imageSize":32,"batchNorm":false,"subBlock1":false,"""
                + "\"inputShortcut\":false}",
            NetworkSpec.Parse("mobilenetv2").ToJson());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"depth\":18}")]
    [InlineData("{\"name\":\"resnet\",\"depth\":\"18\"}")]
    [InlineData("{\"name\":\"resnet\",\"depth\":18,\"dropout\":0.3}")]
    public void Json_of_another_form_is_refused(string json) => Assert.Throws<FormatException>(() => NetworkSpec.FromJson(json));

    [Fact]
    public void Json_that_names_no_network_is_refused()
    {
        var exception = Assert.Throws<ArgumentException>(() => NetworkSpec.FromJson("""{"name":"resnet","depth":1000000}"""));
        Assert.Contains("Depth is 1000000", exception.Message);
    }

    [Theory]
    [InlineData("resnet18-4")]
    [InlineData("resnet8-4")]
    [InlineData("preactresnet18-4-bn")]
    [InlineData("wideresnet-10-1")]
    [InlineData("mobilenetv2")]
    [InlineData("smallcnn-4")]
    [InlineData("smallcnn-4-bn")]
    [InlineData("tinycnn-4")]
    [InlineData("tinycnn-4-bn")]
    public void Every_architecture_takes_other_channels_sizes_and_class_counts_and_normalisation(string name)
    {
        using var scope = NewDisposeScope();
        foreach (var (channels, size, classes) in new[] { (1, 28, 10), (3, 32, 100), (1, 16, 2), (2, 19, 5), (3, 64, 10) })
        {
            var spec = NetworkSpec.Parse(name) with
            {
                InputChannels = channels,
                ImageSize = size,
                Classes = classes,
                Mean = [.. Enumerable.Repeat(0.5, channels)],
                Std = [.. Enumerable.Repeat(0.25, channels)],
            };
            using var network = spec.Build(seed: 1);
            var names = network.state_dict().Keys;
            Assert.DoesNotContain(names, key => key.Contains("normalisation"));
            // It makes TorchSharp look for modules in fields.
            network.get_parameter(names.First());
            Assert.Equal(names, network.state_dict().Keys);
            var logits = network.call(full([2, channels, size, size], 0.3f));
            Assert.Equal([2, classes], logits.shape);
            Assert.False(logits.isnan().any().item<bool>());
        }
    }

    [Fact]
    public void Images_of_another_shape_are_refused_with_expected_and_found()
    {
        using var scope = NewDisposeScope();
        using var resnet = NetworkSpec.Parse("resnet8-4").Build(seed: 1);
        var message = Assert.Throws<ArgumentException>(() => resnet.call(zeros(2, 1, 28, 28))).Message;
        Assert.Contains("resnet8-4: expected images [N,3,H,W], found [2,1,28,28]", message);
        Assert.Throws<ArgumentException>(() => resnet.call(zeros(3, 32, 32)));
        using var cnn = NetworkSpec.Parse("smallcnn-4").Build(seed: 1);
        Assert.Contains("[N,3,32,32], found [2,3,28,28]", Assert.Throws<ArgumentException>(() => cnn.call(zeros(2, 3, 28, 28))).Message);
    }

    [Theory]
    [InlineData("smallcnn-4096", 4)]
    [InlineData("tinycnn-4096", 1)]
    [InlineData("resnet18-4096", 32)]
    [InlineData("preactresnet34-4096", 32)]
    [InlineData("resnet-1202-64", 32)]
    [InlineData("wideresnet-10-256", 32)]
    public void A_file_of_few_weights_does_not_make_a_large_network(string name, int side)
    {
        using var few = ones(10);
        var fault = Assert.Throws<ArgumentException>(
            () => (NetworkSpec.Parse(name) with { ImageSize = side, Classes = 2 }).BuildFor([few]));
        Assert.Contains("weights and more, found 10", fault.Message);
    }

    [Theory]
    [InlineData("smallcnn-600")]
    [InlineData("tinycnn-350")]
    [InlineData("resnet18")]
    public void A_file_of_the_weights_themselves_does(string name)
    {
        var spec = NetworkSpec.Parse(name) with { ImageSize = 8, InputChannels = 40 };
        using var network = spec.Build(seed: 1);
        Assert.True(Weights.Count(network) > 10_000_000);   // below, nothing is asked
        using var again = spec.BuildFor(network.parameters());
        Assert.Equal(Weights.Count(network), Weights.Count(again));
    }

    [Fact]
    public void A_forward_and_backward_pass_leaves_no_tensor_behind_and_the_input_as_it_was()
    {
        string[] names = ["resnet18-4", "resnet8-4", "preactresnet18-4-bn", "wideresnet-10-1", "mobilenetv2", "smallcnn-4-bn", "tinycnn-4"];
        foreach (var name in names)
        {
            using var network = NetworkSpec.Parse(name).Build(seed: 1);
            using var images = full([2, 3, 32, 32], 0.3f).requires_grad_();
            using var before = images.detach().clone();
            Step();
            var alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            Step();
            Step();
            Assert.Equal(alive, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            Assert.True(images.detach().equal(before).all().item<bool>());

            void Step()
            {
                using var scope = NewDisposeScope();
                network.zero_grad();
                network.call(images).pow(2).sum().backward();
            }
        }
    }
}
