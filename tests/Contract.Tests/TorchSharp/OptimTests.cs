using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Contract.Tests.Torch;

public class OptimTests
{
    private static double[] Doubles(Tensor tensor) => tensor.detach().data<double>().ToArray();

    private static void Near(double[] expected, Tensor found) => Assert.Equal(expected, Doubles(found), (a, b) => Math.Abs(a - b) < 1e-12);

    private static Parameter Start(params double[] grad)
    {
        var parameter = Parameter(tensor(new[] { 1.0, 2 }));
        parameter.grad = tensor(grad.Length > 0 ? grad : [0.5, -1]);
        return parameter;
    }

    private static byte[] Bytes(OptimizerHelper optimizer)
    {
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        optimizer.save_state_dict(writer);
        writer.Flush();
        return stream.ToArray();
    }

    private static BinaryReader Reader(byte[] bytes) => new(new MemoryStream(bytes));

    [Fact]
    public void Plain_descent_subtracts_the_gradient()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1);
        Assert.Null(optimizer.step());
        Near([0.95, 2.1], parameter);
        Near([0.5, -1], parameter.grad!);
    }

    [Fact]
    public void Momentum_begins_with_the_first_gradient_undamped()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9, dampening: 0.5);
        optimizer.step();
        Near([0.95, 2.1], parameter);
        optimizer.step();
        Near([0.88, 2.24], parameter);
        Near([0.5, -1], parameter.grad!);
    }

    [Fact]
    public void Nesterov_looks_ahead()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true);
        optimizer.step();
        Near([0.9031, 2.1862], parameter);
        optimizer.step();
        Near([0.76507411, 2.45142622], parameter);
        optimizer.step();
        Near([0.590209958191, 2.7874396881820003], parameter);
        Near([0.5, -1], parameter.grad!);
    }

    [Fact]
    public void Maximizing_goes_up_and_keeps_the_sign_of_the_decay()
    {
        var parameter = Start();
        optim.SGD([parameter], 0.1, weight_decay: 0.5, maximize: true).step();
        Near([1.1, 2], parameter);
    }

    [Theory]
    [InlineData("adam", 0.99900000002, 2.00099999999, 0.9981156235354894, 2.001592648495912)]
    [InlineData("amsgrad", 0.99900000002, 2.00099999999, 0.9981156235354894, 2.001592648495912)]
    [InlineData("adam with decay", 0.9990000000166667, 2.0009999999875, 0.9981004680725605, 2.001365855688634)]
    [InlineData("adamw", 0.99890000002, 2.00079999999, 0.9979157335354875, 2.001192568495913)]
    public void Adam_follows_PyTorch(string kind, double first0, double first1, double second0, double second1)
    {
        var parameter = Start();
        OptimizerHelper optimizer = kind switch
        {
            "adam" => optim.Adam([parameter]),
            "amsgrad" => optim.Adam([parameter], amsgrad: true),
            "adamw" => optim.AdamW([parameter], weight_decay: 0.1),
            _ => optim.Adam([parameter], weight_decay: 0.1),
        };
        optimizer.step();
        Near([first0, first1], parameter);
        parameter.grad = tensor(new[] { 2.0, 0.1 });
        optimizer.step();
        Near([second0, second1], parameter);
        optimizer.Dispose();
    }

    [Fact]
    public void A_parameter_without_a_gradient_stays()
    {
        var parameter = Parameter(tensor(new[] { 1.0 }));
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9, weight_decay: 1);
        optimizer.step();
        Near([1], parameter);
        using var empty = optim.SGD(Array.Empty<Parameter>(), 0.1);
        empty.step();
    }

    [Fact]
    public void Gradients_are_set_to_zero_and_the_closure_is_evaluated_first()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1);
        using (no_grad())
        {
            var loss = optimizer.step(() => (parameter * parameter).sum());
            Assert.Equal(5, loss.item<double>());
            Assert.True(loss.requires_grad);
        }
        Near([0.95, 2.1], parameter);
        optimizer.zero_grad();
        Near([0, 0], parameter.grad!);
    }

    [Fact]
    public void Wrong_options_are_refused()
    {
        var parameter = Start();
        string Fault(Func<object> make) => Assert.Throws<ArgumentException>(make).Message;
        Assert.Equal("Invalid learning rate: -0.1", Fault(() => optim.SGD([parameter], -0.1)));
        Assert.Equal("Invalid momentum value: -1", Fault(() => optim.SGD([parameter], 0.1, momentum: -1)));
        Assert.Equal("Invalid weight_decay value: -1", Fault(() => optim.SGD([parameter], 0.1, weight_decay: -1)));
        Assert.Equal("Nesterov momentum requires a momentum and zero dampening", Fault(() => optim.SGD([parameter], 0.1, nesterov: true)));
        Assert.Equal("Invalid beta1: 1.5", Fault(() => optim.Adam([parameter], beta1: 1.5)));
    }

    [Fact]
    public void Groups_have_their_own_options_and_take_the_rest_from_the_optimizer()
    {
        var (a, b) = (Start(), Start());
        using var optimizer = optim.SGD(
            [
                new SGD.ParamGroup([a]) { Options = new SGD.Options { LearningRate = 0.7 } },
                new SGD.ParamGroup { Parameters = [b], Options = new SGD.Options { weight_decay = 0.3 } },
            ], 0.1, momentum: 0.9, weight_decay: 0.2);
        Assert.Equal([0.7, 0.1], optimizer.ParamGroups.Select(group => group.LearningRate));
        var options = optimizer.state_dict().Options.Cast<SGD.Options>().ToList();
        Assert.Equal([0.2, 0.3], options.Select(option => option.weight_decay!.Value));
        Assert.All(options, option => Assert.Equal(0.9, option.momentum));
        // Built from arguments a group has all its options.
        optimizer.add_param_group(new SGD.ParamGroup([Start()], lr: 0.5));
        Assert.Equal(0, ((SGD.Options)optimizer.state_dict().Options[2]).momentum);
        Assert.Equal([[0], [1], [2]], optimizer.state_dict().StateIndexRef);
        Assert.Equal(3, optimizer.parameters().Count());
    }

    [Fact]
    public void The_learning_rate_of_a_group_can_be_set()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1);
        foreach (var group in optimizer.ParamGroups) group.LearningRate = 0.5;
        Assert.Equal(0.1, optimizer.ParamGroups.Single().InitialLearningRate);
        optimizer.step();
        Near([0.75, 2.5], parameter);
    }

    [Fact]
    public void The_state_of_SGD_is_the_momentum_buffer()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9);
        Assert.Null(((SGD.State)optimizer.state_dict().State.Single()).momentum_buffer);
        optimizer.step();
        var buffer = ((SGD.State)optimizer.state_dict().State.Single()).momentum_buffer;
        Near([0.5, -1], buffer);
        optimizer.Dispose();
        Assert.True(buffer.IsInvalid);
        Assert.False(parameter.IsInvalid);
    }

    [Fact]
    public void A_loaded_state_is_a_copy()
    {
        var parameter = Start();
        using var one = optim.SGD([parameter], 0.1, momentum: 0.9);
        one.step();
        using var other = optim.SGD([Start()], 0.3, momentum: 0.5);
        other.load_state_dict(one.state_dict());
        Assert.Equal(0.1, other.ParamGroups.Single().LearningRate);
        var copied = (SGD.State)other.state_dict().State.Single();
        Near([0.5, -1], copied.momentum_buffer);
        one.step();
        Near([0.5, -1], copied.momentum_buffer);
        Assert.Throws<ArgumentException>(() => optim.SGD([Start(), Start()], 0.1).load_state_dict(one.state_dict()));
    }

    [Fact]
    public void The_file_of_SGD_has_this_form()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true);
        optimizer.ParamGroups.Single().LearningRate = 0.5;
        // initial rate, rate, momentum, dampening, weight decay, nesterov, maximize
        const string Options =
            "9A9999999999B93F" + "000000000000E03F" + "CDCCCCCCCCCCEC3F" + "0000000000000000" + "7B14AE47E17A843F" + "01" + "00";
        Assert.Equal("03534744" + "01" + "01" + Options + "00", Convert.ToHexString(Bytes(optimizer)));
        parameter.grad = tensor(new[] { 1.0 - 0.01, -0.02 });
        optimizer.step();
        // The buffer is (1, 0), or nearly so.
        string written = Convert.ToHexString(Bytes(optimizer));
        Assert.StartsWith("03534744" + "01" + "01" + Options + "01" + "07" + "01" + "02", written);
        Assert.Equal(2 * (4 + 2 + 42 + 1 + 3 + 16), written.Length);
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("adam")]
    [InlineData("adamw")]
    public void A_saved_optimizer_goes_on_as_if_it_had_not_stopped(string kind)
    {
        OptimizerHelper New(Parameter parameter) => kind switch
        {
            "sgd" => optim.SGD([parameter], 0.1, momentum: 0.9, nesterov: true),
            "adam" => optim.Adam([parameter], amsgrad: true),
            _ => optim.AdamW([parameter], weight_decay: 0.1),
        };
        var parameter = Start();
        using var one = New(parameter);
        one.step();
        var copy = Start();
        using (no_grad()) copy.copy_(parameter);
        using var other = New(copy);
        other.load_state_dict(Reader(Bytes(one)));
        Assert.Equal(Bytes(one), Bytes(other));
        one.step();
        other.step();
        Assert.Equal(Doubles(parameter), Doubles(copy));
        Assert.Equal(Bytes(one), Bytes(other));
    }

    [Fact]
    public void A_state_of_another_optimizer_is_refused()
    {
        using var one = optim.SGD([Start()], 0.1);
        byte[] bytes = Bytes(one);
        var fault = Assert.Throws<InvalidDataException>(() => optim.Adam([Start()]).load_state_dict(Reader(bytes)));
        Assert.Equal("Mismatched optimizer type: expected 'Adam', but found 'SGD' in the loaded stream.", fault.Message);
        Assert.Throws<ArgumentException>(() => optim.SGD([Start(), Start()], 0.1).load_state_dict(Reader(bytes)));
    }

    [Fact]
    public void A_step_leaves_nothing_in_the_scope_and_its_state_survives_it()
    {
        var parameter = Start();
        using var optimizer = optim.SGD([parameter], 0.1, momentum: 0.9, weight_decay: 0.1);
        using var adam = optim.Adam([parameter]);
        using (var scope = NewDisposeScope())
        {
            optimizer.step();
            adam.step();
            Assert.Equal(0, scope.DisposablesCount);
        }
        optimizer.step();
        adam.step();
    }

    [Fact]
    public void Named_parameters_serve_as_well()
    {
        using var layer = Linear(1, 1);
        using var optimizer = optim.SGD(layer.named_parameters(), 0.1);
        Assert.Equal(layer.parameters(), optimizer.parameters());
    }
}
