using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>The usual layers in operators of ONNX (opset 17), in eval mode.</summary>
internal static class OnnxLayers
{
    /// <summary>Adds a module to the graph of its input.</summary>
    /// <exception cref="NotSupportedException">It is none that is known here, or has a setting that ONNX has not.</exception>
    public static OnnxValue Describe(Module<Tensor, Tensor> module, OnnxValue input, string title) => module switch
    {
        IOnnxModule described => described.ToOnnx(input),
        Sequential sequence => Enumerable.Range(0, sequence.Count)
            .Aggregate(input, (value, i) => value.Then((Module<Tensor, Tensor>)sequence[i])),
        Conv2d convolution => Convolution(convolution, input, title),
        Linear linear => Linear(linear, input, title),
        BatchNorm norm => BatchNorm(norm, input, title),
        ReLU _ => input.Relu(),
        ReLU6 _ => input.Operator("Clip", x => x[0].Clamp(0, 6), [input.Constant("low", tensor(0f)), input.Constant("high", tensor(6f))]),
        LeakyReLU leaky => input.Operator(
            "LeakyRelu", x => x[0].LeakyRelu(leaky.negative_slope), attributes: [("alpha", leaky.negative_slope)]),
        Sigmoid _ => Sigmoid(input),
        SiLU _ => input * Sigmoid(input),
        GELU _ => Gelu(input),
        Tanh _ => input.Operator("Tanh", x => x[0].tanh()),
        Hardswish _ => input.Operator("HardSwish", x => functional.hardswish(x[0])),
        MaxPool2d pool => MaxPool(pool, input),
        AvgPool2d pool => AveragePool(pool, input, title),
        AdaptiveAvgPool2d pool => AdaptiveAveragePool(pool, input, title),
        Flatten flatten => Flat(flatten, input, title),
        // In eval mode they hand on what they get.
        Dropout _ or Identity _ => input,
        _ => throw new NotSupportedException(
            $"{title} has a forward of its own, which cannot be read. Let {module.GetType().Name} implement {nameof(IOnnxModule)}, "
            + "which describes it, or build it as a Sequential of usual layers: Conv2d, Linear, BatchNorm1d and 2d, ReLU, ReLU6, "
            + "LeakyReLU, SiLU, GELU, Sigmoid, Tanh, Hardswish, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Flatten, Dropout, Identity, "
            + $"{nameof(Normalisation)}."),
    };

    private static OnnxValue Convolution(Conv2d layer, OnnxValue input, string title)
    {
        Expect(title, layer.padding_mode is PaddingModes.Zeros, "padding with zeros", layer.padding_mode);
        var (stride, dilation, kernel) = (Pair(layer.stride), Pair(layer.dilation), Pair(layer.kernel_size));
        long[] Reach() => [.. kernel.Zip(dilation, (size, step) => step * (size - 1))];
        long[] before = layer.padding_type switch
        {
            Padding.Same => [.. Reach().Select(reach => reach / 2)],
            Padding.Valid => [0, 0],
            _ => Pair(layer.padding),
        };
        long[] after = layer.padding_type is Padding.Same ? [.. Reach().Select(reach => reach - reach / 2)] : before;
        var groups = layer.groups;
        OnnxValue[] weights = [input.Constant("weight", layer.weight), .. Optional(input, "bias", layer.bias)];
        return input.Operator(
            "Conv",
            x => functional.conv2d(
                functional.pad(x[0], [before[1], after[1], before[0], after[0]]),
                x[1], x.ElementAtOrDefault(2), stride, [0, 0], dilation, groups),
            weights,
            [
                ("kernel_shape", kernel), ("strides", stride), ("dilations", dilation), ("pads", (long[])[.. before, .. after]),
                ("group", groups),
            ]);
    }

    private static OnnxValue Linear(Linear layer, OnnxValue input, string title)
    {
        Expect(title, input.Probe.dim() == 2, "values [N,features]", Shape(input));
        return input.Operator(
            "Gemm",
            x => functional.linear(x[0], x[1], x.ElementAtOrDefault(2)),
            [input.Constant("weight", layer.weight), .. Optional(input, "bias", layer.bias)],
            [("transB", 1)]);
    }

    private static OnnxValue BatchNorm(BatchNorm layer, OnnxValue input, string title)
    {
        Expect(title, layer.track_running_stats, "running statistics", "none: its output depends on the batch");
        var (features, eps) = (layer.num_features, layer.eps);
        return input.Operator(
            "BatchNormalization",
            x => functional.batch_norm(x[0], x[3], x[4], x[1], x[2], eps: eps),
            [
                input.Constant("weight", layer.weight ?? ones(features)), input.Constant("bias", layer.bias ?? zeros(features)),
                input.Constant("running_mean", layer.running_mean!), input.Constant("running_var", layer.running_var!),
            ],
            [("epsilon", eps)]);
    }

    private static OnnxValue Flat(Flatten layer, OnnxValue input, string title)
    {
        Expect(title, layer.start_dim == 1 && (layer.end_dim == -1 || layer.end_dim == input.Probe.dim() - 1),
            "flattening of all dimensions but the first", $"{layer.start_dim} to {layer.end_dim}");
        return input.Flatten();
    }

    private static OnnxValue Sigmoid(OnnxValue input) => input.Operator("Sigmoid", x => x[0].sigmoid());

    // x Φ(x), the exact one. Opset 17 has no operator of that name.
    private static OnnxValue Gelu(OnnxValue input)
    {
        var erf = (input * input.Constant("half_root", tensor((float)Math.Sqrt(0.5)))).Operator("Erf", x => x[0].erf());
        return input * input.Constant("half", tensor(0.5f)) * (erf + input.Constant("one", tensor(1f)));
    }

    private static OnnxValue MaxPool(MaxPool2d layer, OnnxValue input)
    {
        var (kernel, dilation, padding) = (Pair(layer.kernel_size), Pair(layer.dilation, 1), Pair(layer.padding, 0));
        var stride = layer.stride is { Length: > 0 } given ? Pair(given) : kernel;
        var output = functional.max_pool2d(input.Probe, kernel, stride, padding, dilation, layer.ceil_mode);
        // Where windows reach beyond the padding (ceil mode), as much as they need: -∞ changes no maximum.
        long[] after =
        [
            .. Enumerable.Range(0, 2).Select(i => Math.Max(padding[i],
                (output.shape[2 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - input.Probe.shape[2 + i] - padding[i])),
        ];
        if (!after.SequenceEqual(padding))
        {
            // A step of its own: ONNX Runtime refuses a pool that pads as far as its kernel's size, dilation not counted.
            long[] before = padding, border = [before[1], after[1], before[0], after[0]];
            var pads = tensor(new[] { 0, 0, before[0], before[1], 0, 0, after[0], after[1] });
            input = input.Operator(
                "Pad",
                x => functional.pad(x[0], border, value: double.NegativeInfinity),
                [input.Constant("pads", pads), input.Constant("lowest", tensor(float.NegativeInfinity))]);
            padding = [0, 0];
        }
        return input.Operator(
            "MaxPool",
            x => functional.max_pool2d(x[0], kernel, stride, padding, dilation),
            attributes:
            [("kernel_shape", kernel), ("strides", stride), ("dilations", dilation), ("pads", (long[])[.. padding, .. padding])]);
    }

    private static OnnxValue AveragePool(AvgPool2d layer, OnnxValue input, string title)
    {
        var (kernel, padding) = (Pair(layer.kernel_size), Pair(layer.padding, 0));
        var stride = layer.stride is { Length: > 0 } given ? Pair(given) : kernel;
        Expect(title, layer.divisor_override is null, "the size of the window as divisor", layer.divisor_override);
        var whole = Enumerable.Range(0, 2).All(i => (input.Probe.shape[2 + i] + 2 * padding[i] - kernel[i]) % stride[i] == 0);
        Expect(title, !layer.ceil_mode || whole, "windows that do not reach beyond the end", $"ceil_mode on {Shape(input)}");
        return Average(input, kernel, stride, padding, layer.count_include_pad);
    }

    private static OnnxValue AdaptiveAveragePool(AdaptiveAvgPool2d layer, OnnxValue input, string title)
    {
        long[] size = input.Probe.shape[2..], output = Pair(layer.output_size);
        if (output is [1, 1]) return input.Operator("GlobalAveragePool", x => x[0].mean([2L, 3L], keepdim: true));
        Expect(title, size[0] % output[0] == 0 && size[1] % output[1] == 0, "an output size that divides the input's",
            $"{output[0]}x{output[1]} of {Shape(input)}");
        long[] window = [size[0] / output[0], size[1] / output[1]];
        return Average(input, window, window, [0, 0], true);
    }

    private static OnnxValue Average(OnnxValue input, long[] kernel, long[] stride, long[] padding, bool countPadding) => input.Operator(
        "AveragePool",
        x => functional.avg_pool2d(x[0], kernel, stride, padding, count_include_pad: countPadding),
        attributes:
        [
            ("kernel_shape", kernel), ("strides", stride), ("pads", (long[])[.. padding, .. padding]),
            ("count_include_pad", countPadding ? 1 : 0),
        ]);

    private static IEnumerable<OnnxValue> Optional(OnnxValue input, string name, Tensor? value) =>
        value is null ? [] : [input.Constant(name, value)];

    // Sizes for rows and columns, of which one may stand for both, and none for the usual.
    private static long[] Pair(long[]? sizes, long usual = 1) => sizes switch
    {
        null or [] => [usual, usual],
        [var both] => [both, both],
        _ => sizes,
    };

    private static string Shape(OnnxValue value) => $"[N,{string.Join(",", value.Probe.shape[1..])}]";

    // Of a layer's settings that have to be as ONNX has them.
    private static void Expect(string title, bool holds, string expected, object? found)
    {
        if (!holds) throw new NotSupportedException($"{title}: expected {expected}, found {found}. ONNX has no such operator.");
    }
}
