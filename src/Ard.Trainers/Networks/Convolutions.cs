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
    // From so many rows of so many values on, what oneDNN saves in a linear layer is more than it takes to order the weights.
    private const int FewestRows = 256, FewestValues = 256;

    // Ordering them takes four times as long where the last block of outputs is not full; of few outputs blocks are small.
    private const int BlockOfOutputs = 64, SmallBlockOfOutputs = 16;

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
                Flatten flatten => flatten.call(BlockedLayout.Dense(previous)),
                Linear linear when IsConvolution(linear, previous) => AsConvolution(linear, previous),
                Linear linear => linear.call(MixedPrecision.Full(previous)),
                // The layer itself would make a view of it, which this layout has not.
                TorchSharp.Modules.ReLU when BlockedLayout.IsActive => previous.relu_(),
                var layer => layer.call(previous),
            };
            if (!ReferenceEquals(previous, input) && !ReferenceEquals(previous, output)) previous.Dispose();
        }
        return output;
    }

    // With one thread libtorch would not give it to oneDNN.
    private static bool IsConvolution(Linear layer, Tensor rows) =>
        BlockedLayout.IsActive && !is_grad_enabled() && get_num_threads() > 1 && layer.bias is not null
        && rows.shape[0] >= FewestRows && rows.shape[1] >= FewestValues;

    // Of kernel 1 over one image, whose pixels are the rows.
    private static Tensor AsConvolution(Linear layer, Tensor rows)
    {
        var (count, size, outputs) = (rows.shape[0], rows.shape[1], layer.weight.shape[0]);
        var block = outputs > BlockOfOutputs ? BlockOfOutputs : SmallBlockOfOutputs;
        var missing = (block - outputs % block) % block;
        var (weight, bias) = PreparedWeights.Of(layer, layer.weight, () => (Filled(layer.weight), Filled(layer.bias!)));
        var image = rows.view(1, count, 1, size).permute(0, 3, 1, 2);
        return functional.conv2d(image, weight.view(-1, size, 1, 1), bias)
            .permute(0, 2, 3, 1).reshape(count, -1).narrow(1, 0, outputs);

        Tensor Filled(Tensor values) =>
            missing == 0 ? values.alias() : cat([values, values.new_zeros([missing, .. values.shape[1..]])]);
    }

    private static BatchNorm2d? NormAt(Sequential layers, int i) => i < layers.Count ? layers[i] as BatchNorm2d : null;

    // In eval mode, where nothing is learnt: each time anew, for that costs a pass over the weights and saves one over the outputs. So
    // nothing has to be kept in step with weights that change, and threads do not meet.
    private static bool Folds(Conv2d convolution, BatchNorm2d norm, Tensor input)
    {
        if (norm.training || norm.running_mean is null || norm.weight is null || norm.bias is null) return false;
        if (is_grad_enabled() && (convolution.weight.requires_grad || norm.weight.requires_grad || norm.bias.requires_grad)) return false;
        // In the blocked layout a gradient needs it.
        if (BlockedLayout.IsActive && is_grad_enabled()) return true;
        var (images, height, width) = (input.shape[0], input.shape[2], input.shape[3]);
        var places = images * height * width / (convolution.stride[0] * convolution.stride[1]);
        return places > convolution.in_channels / convolution.groups * convolution.kernel_size[0] * convolution.kernel_size[1];
    }

    private static Tensor Convolve(Conv2d convolution, Tensor input, Tensor weight, Tensor? bias) => functional.conv2d(
        input, weight.to(input.dtype), bias?.to(input.dtype), convolution.stride, convolution.padding, convolution.dilation,
        convolution.groups);
}
