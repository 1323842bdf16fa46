using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ard.Trainers.Tests;

/// <summary>
/// What TorchSharp and libtorch do that a reader would not guess, and that a source named beside each test relies on. Where a new version
/// does otherwise, that source has to be looked at.
/// </summary>
public sealed class TorchSharpTraps
{
    // Networks/Layers.cs: what a Block returns is a tensor of its own, never its input, for blocks stand in sequences.
    [Fact]
    public void A_sequence_disposes_what_its_modules_pass_on()
    {
        using var scope = NewDisposeScope();
        using var keeps = new Keeping();
        using var net = Sequential(ReLU(), keeps, ReLU());
        var output = net.call(ones(2));
        Assert.True(keeps.Given!.IsInvalid);
        Assert.False(output.IsInvalid);
        using var same = new Identical();
        using var wrong = Sequential(ReLU(), same, ReLU());
        Assert.ThrowsAny<InvalidOperationException>(() => wrong.call(ones(2)));
    }

    // Attacks/Attack.cs: a caller without a scope gets the adversarial points all the same.
    [Fact]
    public void A_tensor_survives_the_move_out_of_the_outermost_scope()
    {
        Tensor moved;
        using (NewDisposeScope()) moved = zeros(1).MoveToOuterDisposeScope();
        Assert.False(moved.IsInvalid);
        moved.Dispose();
    }

    // Scoring/Classifier.cs of Ard.MLNet: threads that score at once free only their own tensors.
    [Fact]
    public void Scopes_belong_to_a_thread()
    {
        using var scope = NewDisposeScope();
        Tensor? made = null;
        var thread = new Thread(() => made = zeros(1));
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(made!));
        made!.Dispose();
    }

    // Networks/NetworkSpec.cs: a network that is built within a user's scope outlives it. A Parameter made there by hand would not.
    [Fact]
    public void Layers_live_outside_of_the_scopes_but_a_parameter_made_by_hand_ends_with_its_scope()
    {
        Conv2d convolution;
        BatchNorm2d norm;
        Parameter parameter;
        using (NewDisposeScope())
        {
            convolution = Conv2d(1, 2, 3);
            norm = BatchNorm2d(2);
            parameter = Parameter(ones(2));
        }
        Assert.False(convolution.weight.IsInvalid || norm.weight!.IsInvalid || norm.running_mean!.IsInvalid);
        Assert.True(parameter.IsInvalid);
        convolution.Dispose();
        norm.Dispose();
    }

    // Networks/Normalisation.cs: its constants are not buffers, and follow the images instead.
    [Fact]
    public void A_buffer_that_is_not_persistent_does_not_move_with_its_module()
    {
        using var module = new Identical();
        module.register_buffer("kept", zeros(1));
        module.register_buffer("left", zeros(1), persistent: false);
        module.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, module.get_buffer("kept")!.dtype);
        Assert.Equal(ScalarType.Float32, module.get_buffer("left")!.dtype);
        Assert.Equal(["kept"], module.state_dict().Keys);
    }

    // Training/TrainingRun.cs: the optimizer is made after the network has been moved.
    [Fact]
    public void Moving_a_module_replaces_its_tensors_and_keeps_their_gradients_and_whether_they_have_some()
    {
        using var layer = Linear(2, 1);
        layer.call(ones(1, 2)).sum().backward();
        layer.bias!.requires_grad = false;
        var weight = layer.weight;
        layer.to(ScalarType.Float64);
        Assert.True(weight.IsInvalid);
        Assert.Equal([1.0, 1], layer.weight.grad!.data<double>().ToArray());
        Assert.True(layer.weight.requires_grad);
        Assert.False(layer.bias!.requires_grad);
        weight = layer.weight;
        layer.to(CPU).to(ScalarType.Float64);
        Assert.Same(weight, layer.weight);
    }

    // Networks/ModelState.cs: the modes are put back parents first, and the network itself is added to its modules.
    [Fact]
    public void Modules_come_before_what_they_hold_and_a_mode_reaches_all_of_them()
    {
        using var net = Sequential(("outer", Sequential(("inner", Dropout()))));
        Assert.Equal(["outer", "outer.inner"], net.named_modules().Select(pair => pair.name).Where(name => name.Length > 0));
        var modules = net.modules().ToList();
        Assert.True(modules.FindIndex(module => module is Sequential) < modules.FindIndex(module => module is Dropout));
        net.eval();
        Assert.All(modules, module => Assert.False(module.training));
    }

    // Networks/Initialisation.cs: the seed of a network is that of the default generator while the network is built.
    [Fact]
    public void Layers_draw_their_weights_from_the_default_generator_whose_state_can_be_put_back()
    {
        lock (Initialisation.Gate)
        {
            using var before = Generator.Default.get_state();
            using var one = Conv2d(1, 2, 3);
            Generator.Default.set_state(before);
            using var other = Conv2d(1, 2, 3);
            Assert.Equal(one.weight.data<float>().ToArray(), other.weight.data<float>().ToArray());
        }
    }

    // Networks/BatchNormalisation.cs does the same by itself; Training/BatchStatistics.cs changes the momentum between two batches.
    [Theory]
    [InlineData(0.1)]
    [InlineData(null)]
    public void Batch_normalisation_keeps_unbiased_variances_by_its_momentum_or_the_mean_of_all_batches(double? momentum)
    {
        using var scope = NewDisposeScope();
        using var layer = BatchNorm2d(1).to(ScalarType.Float64);
        layer.momentum = momentum;
        var input = arange(0, 8, ScalarType.Float64).reshape(2, 1, 2, 2);   // mean 3.5, unbiased variance 6
        layer.call(input);
        layer.call(input * 3);
        var (first, second) = momentum is { } m ? (m * (1 - m), m) : (0.5, 0.5);
        Assert.Equal(first * 3.5 + second * 10.5, layer.running_mean!.item<double>(), 12);
        Assert.Equal(1 - first - second + first * 6 + second * 54, layer.running_var!.item<double>(), 12);
        Assert.Equal((ScalarType.Int64, 2L), (layer.num_batches_tracked!.dtype, layer.num_batches_tracked!.item<long>()));
    }

    // Attacks/Pgd.cs: the weights of a network of the user's own may have gradients that an attack must not touch.
    [Fact]
    public void A_gradient_asked_for_by_name_leaves_those_of_other_leaves_alone()
    {
        using var scope = NewDisposeScope();
        var (image, weight) = (ones([2], requires_grad: true), full([2], 3f, requires_grad: true));
        Assert.Equal([18f, 18f], autograd.grad([(image * weight).square().sum()], [image])[0].data<float>().ToArray());
        Assert.True(image.grad is null && weight.grad is null);
    }

    // Checkpoints/Safetensors.cs and Scoring/ImageBuffer.cs of Ard.MLNet write into memory; contiguous() stands before each read.
    [Fact]
    public void Bytes_are_the_tensors_memory_and_refused_where_it_has_gaps_while_data_is_read_in_logical_order()
    {
        using var scope = NewDisposeScope();
        var matrix = zeros(2, 2);
        MemoryMarshal.Cast<byte, float>(matrix.bytes)[1] = 3;
        Assert.Equal([0f, 3, 0, 0], matrix.data<float>().ToArray());
        var turned = matrix.transpose(0, 1);
        Assert.Equal([0f, 0, 3, 0], turned.data<float>().ToArray());
        Assert.Throws<InvalidOperationException>(() => turned.bytes.Length);
    }

    // Checkpoints/TorchScriptNetwork.cs: a program is a child like any other, and what it is asked for has the types of its parameters.
    [Fact]
    public void A_programs_parameters_are_listed_moved_and_trained_through_the_module_that_holds_it()
    {
        using var holder = new TorchScriptNetwork(Program);
        Assert.NotEmpty(holder.parameters());
        Assert.All(holder.parameters(), parameter => Assert.True(parameter.requires_grad));
        holder.to(ScalarType.Float64);
        Assert.All(holder.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
    }

    // Checkpoints/TorchScriptNetwork.cs disposes of its program by itself.
    [Fact]
    public void A_module_that_holds_a_program_cannot_be_disposed_of_as_others_are()
    {
        var holder = new Holder(jit.load<Tensor, Tensor>(Program));
        Assert.Throws<ObjectDisposedException>(holder.Dispose);
    }

    // Objectives/TrainingBatch.cs: the smoothed loss of PyTorch, by which main.py and its successors are compared.
    [Fact]
    public void Label_smoothing_mixes_in_the_mean_over_all_classes()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new[,] { { 1.0, 2, 4 } });
        var lse = Math.Log(Math.Exp(1) + Math.Exp(2) + Math.Exp(4));
        var loss = functional.cross_entropy(logits, tensor(new[] { 0L }), label_smoothing: 0.1);
        Assert.Equal(0.9 * (lse - 1) + 0.1 * (lse - 7.0 / 3), loss.item<double>(), 12);
    }

    // Attacks/ThreatModel.cs and Attacks/Attack.cs convert before they ask for one number.
    [Fact]
    public void A_number_is_asked_for_in_its_own_type()
    {
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => zeros(1).item<double>());
        Assert.Equal(0.0, zeros(1).to(ScalarType.Float64).item<double>());
    }

    private static string Program { get; } = Path.Combine(Folder(), "Checkpoints", "Fixtures", "program.pt");

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;

    private sealed class Holder : Module<Tensor, Tensor>
    {
        public Holder(Module program) : base("holder") => register_module("program", program);

        public override Tensor forward(Tensor input) => input;
    }

    private sealed class Identical() : Module<Tensor, Tensor>("identical")
    {
        public override Tensor forward(Tensor input) => input;
    }

    private sealed class Keeping() : Module<Tensor, Tensor>("keeping")
    {
        public Tensor? Given { get; private set; }

        public override Tensor forward(Tensor input) => (Given = input) + 1;
    }
}
