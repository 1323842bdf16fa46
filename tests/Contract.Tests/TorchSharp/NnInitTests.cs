using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Contract.Tests.Torch;

/// <summary>These tests need the global random state for themselves.</summary>
[CollectionDefinition(nameof(GlobalRandomState), DisableParallelization = true)]
public class GlobalRandomState;

[Collection(nameof(GlobalRandomState))]
public class NnInitTests
{
    private static float[] First(Tensor tensor) => tensor.detach().flatten().data<float>().ToArray()[..3];

    private static void Near(float[] expected, float[] found) => Assert.Equal(expected, found, (a, b) => Math.Abs(a - b) < 1e-7);

    // Numbers of PyTorch 1.13 and of TorchSharp 0.107 after manual_seed(0).
    [Fact]
    public void Layers_draw_their_weights_from_the_global_generator_as_PyTorch_does()
    {
        manual_seed(0);
        using var convolution = Conv2d(3, 4, 3);
        Near([-0.0014408393f, 0.10323862f, -0.15839511f], First(convolution.weight));
        Near([-0.010603924f, 0.028895428f, -0.07881414f], First(convolution.bias!));
        Assert.Equal(0.19573045f, rand(1).item<float>(), 7);
        manual_seed(0);
        using var linear = Linear(5, 4);
        Near([-0.0033482078f, 0.23990487f, -0.36807698f], First(linear.weight));
        Near([0.1624356f, 0.37136078f, -0.09203663f], First(linear.bias!));
        manual_seed(0);
        using var norm = BatchNorm2d(4);
        Near([1, 1, 1], First(norm.weight!));
        Near([0, 0, 0], First(norm.bias!));
        Assert.Equal(0.4962566f, rand(1).item<float>(), 7);
        manual_seed(0);
        using var grouped = Conv2d(4, 8, 3, groups: 2, bias: false);
        Near([-0.0017646605f, 0.12644097f, -0.1939936f], First(grouped.weight));
    }

    [Fact]
    public void Weights_are_drawn_with_the_bounds_of_their_scheme()
    {
        Tensor Drawn(Func<Tensor, Tensor> fill)
        {
            manual_seed(3);
            return fill(empty(4, 5));
        }

        Near([-1.0861043f, -0.8641543f, -0.46919563f], First(Drawn(t => init.kaiming_uniform_(t))));
        Near([-0.9714411f, -0.772923f, -0.4196613f], First(Drawn(t => init.kaiming_uniform_(t, 0.5))));
        Near([-0.048474107f, 0.22760905f, -0.49459085f], First(Drawn(t => init.kaiming_normal_(t))));
        Near([-0.0541957f, 0.25447467f, -0.5529694f],
            First(Drawn(t => init.kaiming_normal_(t, 0, init.FanInOut.FanOut, init.NonlinearityType.ReLU))));
        Near([-0.8095343f, -0.6441026f, -0.3497178f], First(Drawn(t => init.xavier_uniform_(t))));
    }

    [Fact]
    public void Fan_and_gain_follow_their_definitions()
    {
        Assert.Equal((60, 40), init.CalculateFanInAndFanOut(ones(2, 3, 4, 5)));
        Assert.Throws<ArgumentException>(() => init.CalculateFanInAndFanOut(ones(2)));
        Assert.Equal(Math.Sqrt(2), init.calculate_gain(init.NonlinearityType.ReLU), 12);
        Assert.Equal(5.0 / 3, init.calculate_gain(init.NonlinearityType.Tanh), 12);
        Assert.Equal(Math.Sqrt(2 / 1.25), init.calculate_gain(init.NonlinearityType.LeakyReLU, 0.5), 12);
        Assert.Equal(1, init.calculate_gain(init.NonlinearityType.Conv2D));
    }

    [Fact]
    public void Filling_happens_in_place_and_outside_of_the_graph()
    {
        var parameter = Parameter(zeros(2, 2));
        Assert.Same(parameter, init.constant_(parameter, 3));
        Assert.True(parameter.is_leaf && parameter.requires_grad);
        using var scope = NewDisposeScope();
        var tensor = init.kaiming_uniform_(zeros(2, 2));
        Assert.Equal(1, scope.DisposablesCount);
        Assert.False(tensor.requires_grad);
    }
}
