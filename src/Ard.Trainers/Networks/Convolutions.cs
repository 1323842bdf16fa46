using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Networks;

/// <summary>
/// How the networks run their convolutions: in the type of their input (<see cref="MixedPrecision"/>), and with the batch normalisation
/// behind folded into the weights where that is the same function and costs less.
/// </summary>
internal static class Convolutions
{
    /// <summary>The convolution alone.</summary>
    public static Tensor Convolve(this Conv2d convolution, Tensor input) => convolution.weight.dtype == input.dtype
        ? convolution.call(input)
        : Convolve(convolution, input, convolution.weight, convolution.bias);

    /// <summary>The convolution and the batch normalisation behind it.</summary>
    public static Tensor Normalised(this Conv2d convolution, BatchNorm2d norm, Tensor input)
    {
        if (!Folds(convolution, norm, input))
        {
            using var convolved = convolution.Convolve(input);
            return norm.Normalise(convolved);
        }
        // With running statistics, norm(w * x + b) = (w · scale) * x + (b - mean) · scale + shift.
        var scale = (norm.running_var! + norm.eps).rsqrt_().mul_(norm.weight!);
        var weight = convolution.weight * scale.view(-1, 1, 1, 1);
        var bias = convolution.bias is null ? norm.running_mean!.neg() : convolution.bias - norm.running_mean!;
        return Convolve(convolution, input, weight, bias.mul_(scale).add_(norm.bias!));
    }

    /// <summary>
    /// One layer after another, convolutions together with the batch normalisation behind them. What lies between two layers is freed as
    /// soon as the second has read it.
    /// </summary>
    public static Tensor Through(this Sequential layers, Tensor input)
    {
        var output = input;
        for (var i = 0; i < layers.Count; i++)
        {
            var previous = output;
            output = layers[i] switch
            {
                Conv2d convolution when NormAt(layers, i + 1) is { } norm => convolution.Normalised(norm, previous),
                _ when i > 0 && layers[i - 1] is Conv2d && NormAt(layers, i) is not null => previous,
                Conv2d convolution => convolution.Convolve(previous),
                Linear linear => linear.call(MixedPrecision.Full(previous)),
                var layer => layer.call(previous),
            };
            if (!ReferenceEquals(previous, input) && !ReferenceEquals(previous, output)) previous.Dispose();
        }
        return output;
    }

    private static BatchNorm2d? NormAt(Sequential layers, int i) => i < layers.Count ? layers[i] as BatchNorm2d : null;

    // In eval mode, where nothing is learnt: each time anew, for that costs a pass over the weights and saves one over the outputs. So
    // nothing has to be kept in step with weights that change, and threads do not meet.
    private static bool Folds(Conv2d convolution, BatchNorm2d norm, Tensor input)
    {
        if (norm.training || norm.running_mean is null || norm.weight is null || norm.bias is null) return false;
        if (is_grad_enabled() && (convolution.weight.requires_grad || norm.weight.requires_grad || norm.bias.requires_grad)) return false;
        var (images, height, width) = (input.shape[0], input.shape[2], input.shape[3]);
        var places = images * height * width / (convolution.stride[0] * convolution.stride[1]);
        return places > convolution.in_channels / convolution.groups * convolution.kernel_size[0] * convolution.kernel_size[1];
    }

    private static Tensor Convolve(Conv2d convolution, Tensor input, Tensor weight, Tensor? bias) => functional.conv2d(
        input, weight.to(input.dtype), bias?.to(input.dtype), convolution.stride, convolution.padding, convolution.dilation,
        convolution.groups);
}
