using TorchSharp.Modules;

namespace Ard.Bench;

/// <summary>Floating-point operations of a network: of its convolutions and linear layers, a multiplication and an addition each.</summary>
internal static class NetworkCost
{
    /// <summary>Operations of one forward pass of these images. The network is left in the mode that it was in.</summary>
    public static double Forward(Module<Tensor, Tensor> network, Tensor images)
    {
        double flops = 0;
        var removers = new List<Action>();
        foreach (var module in network.modules())
        {
            if (module is Conv2d convolution)
            {
                var hook = convolution.register_forward_hook((_, _, output) =>
                {
                    flops += 2.0 * output.numel() * convolution.in_channels / convolution.groups
                        * convolution.kernel_size[0] * convolution.kernel_size[1];
                    return output;
                });
                removers.Add(hook.remove);
            }
            else if (module is Linear linear)
            {
                var hook = linear.register_forward_hook((_, _, output) =>
                {
                    flops += 2.0 * output.numel() * linear.weight.shape[1];
                    return output;
                });
                removers.Add(hook.remove);
            }
        }
        using var scope = NewDisposeScope();
        using var graph = enable_grad();
        var before = network.training;
        var frozen = network.parameters().Where(parameter => !parameter.requires_grad).ToArray();
        // Statistics do not move in eval mode; and where weights learn, every layer computes by itself.
        network.eval();
        foreach (var parameter in frozen) parameter.requires_grad = true;
        // One image is enough: a graph to the weights of a whole batch may be larger than all that is measured.
        network.call(images.narrow(0, 0, 1));
        foreach (var parameter in frozen) parameter.requires_grad = false;
        network.train(before);
        removers.ForEach(remove => remove());
        return flops * images.shape[0];
    }
}

/// <summary>
/// A network that counts what is asked of it: forward passes without a graph, with one to the images only, and with one to the parameters,
/// which cost about one, two and three times the operations of a forward pass.
/// </summary>
internal sealed class PassCounter : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> network;

    public PassCounter(Module<Tensor, Tensor> network) : base(nameof(PassCounter))
    {
        this.network = network;
        register_module("network", network);
    }

    public int[] Passes { get; } = new int[3];

    public override Tensor forward(Tensor input)
    {
        var learns = network.parameters().Any(parameter => parameter.requires_grad);
        var kind = !is_grad_enabled() ? 0 : learns ? 2 : input.requires_grad ? 1 : 0;
        Passes[kind]++;
        ImagesTimesUnits += input.shape[0] * (kind + 1);
        return network.call(input);
    }

    /// <summary>Images that went through, each times the cost of its pass in forward passes.</summary>
    public long ImagesTimesUnits { get; set; }
}
