using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Contract.Tests.Torch;

public class NnModuleTests
{
    private sealed class Net : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> body = Sequential(Linear(2, 3), ReLU(), BatchNorm1d(3));
        [ComponentName(Name = "renamed")]
        private readonly Linear head = Linear(3, 1, hasBias: false);
        private readonly ModuleList<Linear> list = ModuleList(Linear(1, 1), Linear(1, 1));
        private readonly Linear? nothing = null;
        public readonly Parameter scale;
        public readonly Tensor offset = zeros(3);
        public readonly Tensor count = zeros(3, ScalarType.Int64);

        public Net() : base("net")
        {
            scale = Parameter(ones(2));
            RegisterComponents();
        }

        public bool HasNothing => nothing is null;

        public override Tensor forward(Tensor input) => head.call(body.call(input * scale));
    }

    /// <summary>Registers by hand what it is told to.</summary>
    private class Bare(string name = "bare") : Module<Tensor, Tensor>(name)
    {
        public override Tensor forward(Tensor input) => input + 1;
    }

    private sealed class Twice : Module<Tensor, Tensor>
    {
        private readonly Linear a, b;

        public Twice() : base("twice")
        {
            a = b = Linear(1, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => b.call(a.call(input));
    }

    private sealed class Same() : Module<Tensor, Tensor>("same")
    {
        public override Tensor forward(Tensor input) => input;
    }

    private sealed class Keeps() : Module<Tensor, Tensor>("keeps")
    {
        public Tensor? Given { get; private set; }

        public override Tensor forward(Tensor input)
        {
            Given = input;
            return input + 1;
        }
    }

    [Fact]
    public void Fields_become_parameters_buffers_and_children_under_their_names()
    {
        using var net = new Net();
        Assert.True(net.HasNothing);
        Assert.Equal(
            ["scale", "body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias", "renamed.weight",
                "list.0.weight", "list.0.bias", "list.1.weight", "list.1.bias"],
            net.named_parameters().Select(pair => pair.name));
        Assert.Equal(
            ["offset", "count", "body.2.running_mean", "body.2.running_var", "body.2.num_batches_tracked"],
            net.named_buffers().Select(pair => pair.name));
        Assert.Equal(["body", "renamed", "list"], net.named_children().Select(pair => pair.name));
        Assert.Equal(
            ["body", "renamed", "list", "body.0", "body.1", "body.2", "list.0", "list.1"], net.named_modules().Select(pair => pair.name));
        Assert.Equal(8, net.modules().Count());
        Assert.Equal(["scale"], net.named_parameters(recurse: false).Select(pair => pair.name));
        Assert.Equal("net", net.GetName());
    }

    [Fact]
    public void The_state_holds_the_tensors_themselves_parameters_first()
    {
        using var net = new Net();
        var state = net.state_dict();
        Assert.Equal(net.named_parameters().Select(pair => pair.name).Concat(net.named_buffers().Select(pair => pair.name)), state.Keys);
        Assert.Same(net.scale, state["scale"]);
        Assert.Equal("student.scale", net.state_dict(prefix: "student").Keys.First());
    }

    [Fact]
    public void A_module_at_two_places_is_listed_once_but_stands_twice_in_the_state()
    {
        using var twice = new Twice();
        Assert.Equal(["a.weight", "a.bias"], twice.named_parameters().Select(pair => pair.name));
        Assert.Equal(["a.weight", "a.bias", "b.weight", "b.bias"], twice.state_dict().Keys);
    }

    [Fact]
    public void Tensors_are_found_by_dotted_names()
    {
        using var net = new Net();
        Assert.Equal([3, 2], net.get_parameter("body.0.weight")!.shape);
        Assert.Null(net.get_parameter("body.9.weight"));
        Assert.Null(net.get_parameter("none"));
        Assert.Equal([3], net.get_buffer("body.2.running_var")!.shape);
        Assert.True(net.has_parameter("scale") && net.has_buffer("offset"));
        Assert.False(net.has_parameter("offset") || net.has_buffer("none"));
    }

    [Fact]
    public void A_buffer_that_is_not_persistent_is_found_by_name_only_and_does_not_move()
    {
        using var bare = new Bare();
        bare.register_buffer("kept", zeros(1));
        bare.register_buffer("not kept", zeros(1), persistent: false);
        Assert.Equal(["kept"], bare.named_buffers().Select(pair => pair.name));
        Assert.Equal(["kept"], bare.state_dict().Keys);
        bare.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, bare.get_buffer("kept")!.dtype);
        Assert.Equal(ScalarType.Float32, bare.get_buffer("not kept")!.dtype);
    }

    [Fact]
    public void A_name_is_registered_once_and_nothing_is_no_tensor()
    {
        using var bare = new Bare();
        bare.register_parameter("p", Parameter(ones(1)));
        bare.register_buffer("b", ones(1));
        bare.register_module("m", ReLU());
        Assert.Equal("Parameter p is already registered.",
            Assert.Throws<InvalidOperationException>(() => bare.register_parameter("p", Parameter(ones(1)))).Message);
        Assert.Equal(
            "Tensor b is already registered.", Assert.Throws<InvalidOperationException>(() => bare.register_buffer("b", ones(1))).Message);
        Assert.Equal("Sub-module m is already registered.",
            Assert.Throws<InvalidOperationException>(() => bare.register_module("m", ReLU())).Message);
        Assert.Throws<ArgumentNullException>(() => bare.register_parameter("q", null!));
        Assert.Throws<ArgumentNullException>(() => bare.register_buffer("q", null!));
        Assert.Equal("module name can't contain \".\", got: a.b",
            Assert.Throws<ArgumentException>(() => bare.register_module("a.b", ReLU())).Message);
        Assert.Throws<InvalidOperationException>(() => ReLU().register_parameter("p", Parameter(ones(1))));
        Assert.Throws<InvalidOperationException>(() => ReLU().register_buffer("b", ones(1)));
    }

    [Fact]
    public void A_state_is_copied_into_the_tensors()
    {
        using var layer = Linear(2, 1);
        var weight = layer.weight;
        var (missing, unexpected) = layer.load_state_dict(
            new() { ["weight"] = full([1, 2], 3.0, ScalarType.Float64), ["bias"] = zeros(1) });
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        Assert.Same(weight, layer.weight);
        Assert.True(layer.weight.requires_grad && layer.weight.is_leaf);
        Assert.Equal(ScalarType.Float32, layer.weight.dtype);
        Assert.Equal([3f, 3f], layer.weight.data<float>().ToArray());
    }

    [Fact]
    public void A_state_with_missing_or_unknown_names_is_refused_unless_told_otherwise()
    {
        using var layer = Linear(2, 1);
        var state = new Dictionary<string, Tensor> { ["weight"] = ones(1, 2), ["extra"] = ones(1) };
        var fault = Assert.Throws<InvalidOperationException>(() => layer.load_state_dict(state));
        Assert.Equal("The loaded state_dict is not identical to the target dictionary.", fault.Message);
        var (missing, unexpected) = layer.load_state_dict(state, strict: false);
        Assert.Equal(["bias"], missing);
        Assert.Equal(["extra"], unexpected);
        (missing, unexpected) = layer.load_state_dict(state, strict: true, skip: ["bias", "extra"]);
        Assert.Empty(missing);
        Assert.Empty(unexpected);
        state["bias"] = ones(4);
        Assert.Throws<ExternalException>(() => layer.load_state_dict(state, strict: false));
    }

    [Fact]
    public void A_module_is_saved_and_loaded()
    {
        using var one = Sequential(Linear(2, 3), BatchNorm1d(3));
        using var other = Sequential(Linear(2, 3), BatchNorm1d(3));
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        one.save(writer);
        writer.Flush();
        stream.Position = 0;
        var loaded = new Dictionary<string, bool>();
        Assert.Same(other, other.load(new BinaryReader(stream), true, null, loaded));
        Assert.Equal(one.state_dict().Keys, loaded.Keys);
        Assert.All(one.state_dict(), entry => Assert.True(entry.Value.Equals(other.state_dict()[entry.Key])));
        stream.Position = 0;
        Assert.Throws<ArgumentException>(() => Linear(2, 3).load(new BinaryReader(stream)));
    }

    [Fact]
    public void The_file_of_a_module_has_this_form()
    {
        using var layer = Linear(1, 2);
        init.ones_(layer.weight);
        init.constant_(layer.bias, 2);
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        layer.save(writer);
        writer.Flush();
        Assert.Equal(
            "02" +
            "06" + "776569676874" + "06" + "02" + "0201" + "0000803F0000803F" +
            "04" + "62696173" + "06" + "01" + "02" + "0000004000000040",
            Convert.ToHexString(stream.ToArray()));
    }

    [Fact]
    public void Training_mode_reaches_the_descendants_but_not_modules_appended_later()
    {
        using var net = new Net();
        Assert.All(net.modules(), module => Assert.True(module.training));
        net.eval();
        Assert.False(net.training);
        Assert.All(net.modules(), module => Assert.False(module.training));
        net.train();
        Assert.All(net.modules(), module => Assert.True(module.training));
        using var sequence = Sequential(ReLU());
        sequence.eval();
        sequence.append(Dropout());
        Assert.Equal([false, true], sequence.children().Select(module => module.training));
    }

    [Fact]
    public void Apply_visits_children_before_their_parent()
    {
        using var net = Sequential(("a", Linear(1, 1)), ("b", Sequential(ReLU())));
        var names = new List<string>();
        Assert.Same(net, net.apply(module => names.Add(module.GetType().Name)));
        Assert.Equal(["Linear", "ReLU", "Sequential", "Sequential"], names);
    }

    [Fact]
    public void Gradients_are_removed_or_set_to_zero()
    {
        using var layer = Linear(2, 1);
        layer.call(ones(1, 2)).sum().backward();
        layer.zero_grad(set_to_none: false);
        Assert.Equal([0f, 0f], layer.weight.grad!.data<float>().ToArray());
        layer.zero_grad();
        Assert.Null(layer.weight.grad);
    }

    [Fact]
    public void A_parameter_takes_the_place_of_its_tensor()
    {
        var data = ones(2);
        var parameter = Parameter(data);
        Assert.True(data.IsInvalid);
        Assert.True(parameter.requires_grad);
        Assert.False(new Parameter(ones(2), requires_grad: false).requires_grad);
        Assert.Throws<ExternalException>(() => Parameter(ones(2, ScalarType.Int64)));
        using var scope = NewDisposeScope();
        Parameter(ones(2));
        Assert.Equal(1, scope.DisposablesCount);
    }

    [Fact]
    public void Layers_live_outside_of_the_dispose_scopes_but_a_parameter_made_in_one_ends_with_it()
    {
        Conv2d convolution;
        BatchNorm2d norm;
        Linear linear;
        Net net;
        using (NewDisposeScope())
        {
            convolution = Conv2d(1, 2, 3);
            norm = BatchNorm2d(2);
            linear = Linear(2, 2);
            net = new Net();
        }
        Assert.False(convolution.weight.IsInvalid || convolution.bias!.IsInvalid || linear.weight.IsInvalid || linear.bias!.IsInvalid);
        Assert.False(norm.weight!.IsInvalid || norm.running_mean!.IsInvalid || norm.num_batches_tracked!.IsInvalid);
        Assert.True(net.scale.IsInvalid && net.offset.IsInvalid);
        var weight = linear.weight;
        linear.Dispose();
        Assert.True(weight.IsInvalid);
    }

    [Fact]
    public void Moving_replaces_the_tensors_outside_of_the_scopes()
    {
        using var net = new Net();
        var weight = net.get_parameter("body.0.weight")!;
        using (var scope = NewDisposeScope())
        {
            Assert.Same(net, net.to(ScalarType.Float64));
            Assert.Equal(0, scope.DisposablesCount);
        }
        Assert.True(weight.IsInvalid);
        Assert.Equal(ScalarType.Float64, net.scale.dtype);
        Assert.Equal(ScalarType.Float64, net.offset.dtype);
        Assert.Equal(ScalarType.Int64, net.count.dtype);
        Assert.Equal(ScalarType.Int64, net.get_buffer("body.2.num_batches_tracked")!.dtype);
        Assert.Equal([2, 1], net.call(ones(2, 2, ScalarType.Float64)).shape);
        weight = net.get_parameter("body.0.weight")!;
        net.to(CPU).cpu().to(ScalarType.Float64);
        Assert.Same(weight, net.get_parameter("body.0.weight"));
    }

    [Fact]
    public void Moving_keeps_gradients()
    {
        using var layer = Linear(2, 1);
        layer.call(ones(1, 2)).sum().backward();
        layer.to(ScalarType.Float64);
        Assert.Equal([1.0, 1], layer.weight.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Moving_keeps_requires_grad()
    {
        using var layer = Linear(1, 1);
        layer.weight.requires_grad = false;
        layer.to(CPU, ScalarType.Float64);
        Assert.False(layer.weight.requires_grad);
        Assert.True(layer.bias!.requires_grad);
        Assert.Equal(ScalarType.BFloat16, layer.bfloat16().weight.dtype);
        Assert.Equal(ScalarType.Float32, layer.@float().weight.dtype);
    }

    [Fact]
    public void Hooks_run_around_forward_when_the_module_is_called()
    {
        using var layer = new Bare();
        var log = new List<string>();
        var before = layer.register_forward_pre_hook((_, input) => { log.Add("before"); return input * 10; });
        var after = layer.register_forward_hook((_, input, result) => { log.Add($"after {input.item<float>()}"); return result * 2; });
        var plain = layer.register_forward_hook(_ => log.Add("plain"));
        Assert.Equal(22f, layer.call(tensor(1f)).item<float>());
        Assert.Equal(2f, layer.forward(tensor(1f)).item<float>());
        Assert.Equal(["before", "after 10", "plain"], log);
        before.remove();
        after.remove();
        plain.remove();
        Assert.Equal(2f, layer.call(tensor(1f)).item<float>());
        layer.register_forward_hook((_, _, _) => null!);
        Assert.Equal(2f, layer.call(tensor(1f)).item<float>());
    }

    [Fact]
    public void A_sequence_runs_its_modules_and_names_them_by_position()
    {
        using var net = Sequential(new Bare(), new Bare());
        net.append(new Bare()).append("last", new Bare());
        Assert.Equal(["0", "1", "2", "last"], net.named_children().Select(pair => pair.name));
        Assert.Equal(4f, net.call(zeros(1)).item<float>());
        Assert.Equal(4, net.Count);
        Assert.Same(net[1], net[1..3][0]);
        Assert.Equal(["1", "2"], net[1..3].named_children().Select(pair => pair.name));
        Assert.Throws<ArgumentOutOfRangeException>(() => net[9]);
        var input = ones(1);
        var output = Sequential().call(input);
        Assert.NotSame(input, output);
        Assert.True(input.Equals(output));
    }

    [Fact]
    public void A_sequence_disposes_what_its_modules_pass_on()
    {
        using var keeps = new Keeps();
        using (var scope = NewDisposeScope())
        {
            using var net = Sequential(ReLU(), keeps, ReLU());
            net.call(ones(2));
            Assert.Equal(2, scope.DisposablesCount);
            Assert.True(keeps.Given!.IsInvalid);
        }
        // So a module inside a sequence must not return its very input.
        using var wrong = Sequential(ReLU(), new Same(), ReLU());
        Assert.ThrowsAny<InvalidOperationException>(() => wrong.call(ones(2)));
    }

    [Fact]
    public void A_list_has_children_once_another_module_holds_it()
    {
        var list = ModuleList(Linear(1, 1));
        list.Add(Linear(1, 1));
        Assert.Empty(list.named_parameters());
        using var owner = new Bare();
        owner.register_module("list", list);
        Assert.Equal(["list.0.weight", "list.0.bias", "list.1.weight", "list.1.bias"], owner.named_parameters().Select(pair => pair.name));
        Assert.Equal(2, list.Count);
    }

    [Fact]
    public void A_layer_takes_a_new_parameter_and_disposes_the_old_one()
    {
        using var layer = Linear(1, 1);
        var old = layer.weight;
        using (NewDisposeScope()) layer.weight = Parameter(full([1, 1], 5f));
        Assert.True(old.IsInvalid);
        Assert.Equal(5f, layer.state_dict()["weight"].item<float>());
        layer.bias = null!;
        Assert.Equal(["weight"], layer.state_dict().Keys);
    }

    [Fact]
    public void Disposing_a_module_disposes_what_it_holds()
    {
        var net = new Net();
        var tensors = net.state_dict().Values.ToList();
        net.Dispose();
        Assert.All(tensors, tensor => Assert.True(tensor.IsInvalid));
    }
}
