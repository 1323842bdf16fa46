// Functions of layers. Each is one libtorch operator, or a few.
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            // ---- activations. In place ones return an alias, as out of place ones return a tensor of their own.

            private static Tensor Act(string op, Tensor x, bool inplace, params ReadOnlySpan<Arg> arguments)
            {
                if (inplace) return Dispatch.InPlace(op + "_", x, arguments).alias();
                Arg[] all = [x, .. arguments];
                return Dispatch.Call(op, all);
            }

            public static Tensor relu(Tensor x, bool inplace = false) => Act("aten::relu", x, inplace);
            public static Tensor relu6(Tensor x, bool inplace = false) => Act("aten::hardtanh", x, inplace, 0.0, 6.0);
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                Act("aten::leaky_relu", input, inplace, negative_slope);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => Act("aten::elu", x, inplace, alpha);
            public static Tensor silu(Tensor x, bool inplace = false) => Act("aten::silu", x, inplace);
            public static Tensor gelu(Tensor x) => gelu(x, false);
            public static Tensor gelu(Tensor x, bool inplace) => Act("aten::gelu", x, inplace);
            public static Tensor sigmoid(Tensor x) => sigmoid(x, false);
            public static Tensor sigmoid(Tensor x, bool inplace) => Act("aten::sigmoid", x, inplace);
            public static Tensor tanh(Tensor x, bool inplace = false) => Act("aten::tanh", x, inplace);
            public static Tensor hardswish(Tensor input, bool inplace = false) => Act("aten::hardswish", input, inplace);
            public static Tensor hardsigmoid(Tensor input, bool inplace = false) => Act("aten::hardsigmoid", input, inplace);
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) =>
                Dispatch.Call("aten::softplus", x, beta, threshold);
            public static Tensor logsigmoid(Tensor x) => Dispatch.Call("aten::log_sigmoid", x);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) =>
                Dispatch.Call("aten::softmax.int", input, dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => Dispatch.Call("aten::log_softmax.int", x, dim);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Act("aten::dropout", input, inplace, p, training);

            public static Tensor dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Act("aten::feature_dropout", input, inplace, p, training);

            // ---- linear maps

            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) =>
                Dispatch.Call("aten::linear", input, weights, bias);

            public static Tensor conv2d(
                Tensor input, Tensor weight, Tensor bias = null, long[] strides = null, long[] padding = null, long[] dilation = null,
                long groups = 1) =>
                Dispatch.Call("aten::conv2d", input, weight, bias, strides ?? Ones, padding ?? Zeros, dilation ?? Ones, groups);

            private static readonly long[] Ones = [1, 1], Zeros = [0, 0];

            public static Tensor unfold(Tensor input, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                Dispatch.Call("aten::im2col", input, Pair(kernel_size), Pair(dilation), Pair(padding), Pair(stride));

            public static Tensor unfold(
                Tensor input,
                (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null, (long, long)? stride = null) =>
                Dispatch.Call(
                    "aten::im2col", input, Pair(kernel_size), Pair(dilation) ?? Ones, Pair(padding) ?? Zeros, Pair(stride) ?? Ones);

            public static Tensor fold(
                Tensor input, long output_size, long kernel_size, long dilation = 1, long padding = 0, long stride = 1) =>
                Dispatch.Call("aten::col2im", input, Pair(output_size), Pair(kernel_size), Pair(dilation), Pair(padding), Pair(stride));

            public static Tensor fold(
                Tensor input,
                (long, long) output_size, (long, long) kernel_size, (long, long)? dilation = null, (long, long)? padding = null,
                (long, long)? stride = null) =>
                Dispatch.Call(
                    "aten::col2im",
                    input, Pair(output_size), Pair(kernel_size), Pair(dilation) ?? Ones, Pair(padding) ?? Zeros, Pair(stride) ?? Ones);

            // ---- normalisation

            public static Tensor batch_norm(
                Tensor input, Tensor running_mean, Tensor running_var, Tensor weight = null, Tensor bias = null, bool training = false,
                double momentum = 0.1, double eps = 1e-05) =>
                Dispatch.Call("aten::batch_norm", input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            public static Tensor instance_norm(
                Tensor input, Tensor running_mean = null, Tensor running_var = null, Tensor weight = null, Tensor bias = null,
                bool use_input_stats = true, double momentum = 0.1, double eps = 1e-05) =>
                Dispatch.Call("aten::instance_norm", input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, true);

            public static Tensor layer_norm(
                Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1e-05) =>
                Dispatch.Call("aten::layer_norm", input, normalized_shape, weight, bias, eps, true);

            public static Tensor group_norm(Tensor input, long num_groups, Tensor weight = null, Tensor bias = null, double eps = 1e-05) =>
                Dispatch.Call("aten::group_norm", input, num_groups, weight, bias, eps, true);

            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1e-12)
            {
                using Tensor norm = Dispatch.Call("aten::norm.ScalarOpt_dim", input, p, new[] { dim }, true);
                using Tensor bounded = Dispatch.Call("aten::clamp_min", norm, eps);
                return Dispatch.Call("aten::div.Tensor", input, bounded);
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-08) =>
                Dispatch.Call("aten::cosine_similarity", x1, x2, dim, eps);

            // ---- pooling

            private static readonly long[] None = [];

            public static Tensor avg_pool2d(
                Tensor input, long[] kernel_size, long[] stride = null, long[] padding = null, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                Dispatch.Call(
                    "aten::avg_pool2d", input, kernel_size, stride ?? None, padding ?? Zeros, ceil_mode, count_include_pad,
                    divisor_override);

            public static Tensor avg_pool2d(
                Tensor input,
                long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true,
                long? divisor_override = null) =>
                avg_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(
                Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static Tensor max_pool2d(
                Tensor input,
                long[] kernel_size, long[] strides = null, long[] padding = null, long[] dilation = null, bool ceil_mode = false) =>
                Dispatch.Call("aten::max_pool2d", input, kernel_size, strides ?? None, padding ?? Zeros, dilation ?? Ones, ceil_mode);

            public static Tensor max_pool2d(
                Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static Tensor max_pool2d(
                Tensor input,
                (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null,
                bool ceil_mode = false) =>
                max_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static (Tensor output, Tensor indices) max_pool2d_with_indices(
                Tensor input,
                long[] kernel_size, long[] strides = null, long[] padding = null, long[] dilation = null, bool ceil_mode = false) =>
                Dispatch.Call2(
                    "aten::max_pool2d_with_indices", input, kernel_size, strides ?? None, padding ?? Zeros, dilation ?? Ones, ceil_mode);

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) =>
                Dispatch.Call("aten::adaptive_avg_pool2d", input, output_size);
            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => adaptive_avg_pool2d(input, Pair(output_size));
            public static Tensor adaptive_avg_pool2d(Tensor input, (long, long) output_size) =>
                adaptive_avg_pool2d(input, Pair(output_size));

            // ---- images and classes

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Dispatch.Call("aten::one_hot", x, num_classes);

            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                Dispatch.Call("aten::pad", input, pad, mode switch
                {
                    PaddingModes.Reflect => "reflect",
                    PaddingModes.Replicate => "replicate",
                    PaddingModes.Circular => "circular",
                    _ => "constant",
                }, value);

            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, pad.ToArray(), mode, value);

            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, Pair(pad), mode, value);

            public static Tensor pad(
                Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            /// <summary>Pads all dimensions, those of batch and channels too.</summary>
            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, Enumerable.Repeat(pad, 2 * (int)input.ndim).ToArray(), mode, value);

            public static Tensor affine_grid(Tensor theta, long[] size = null, bool align_corners = false) =>
                Dispatch.Call("aten::affine_grid_generator", theta, size, align_corners);

            public static Tensor grid_sample(
                Tensor input, Tensor grid, GridSampleMode mode = GridSampleMode.Bilinear,
                GridSamplePaddingMode padding_mode = GridSamplePaddingMode.Zeros, bool? align_corners = null) =>
                Dispatch.Call(
                    "aten::grid_sampler", input, grid, mode == GridSampleMode.Bilinear ? 0 : 1,
                    padding_mode switch { GridSamplePaddingMode.Border => 1, GridSamplePaddingMode.Reflection => 2, _ => 0 },
                    align_corners ?? false);

            /// <summary>Resizes images [N, C, H, W]. Of the modes for other dimensions there is none here.</summary>
            public static Tensor interpolate(
                Tensor x, long[] size = null, double[] scale_factor = null, InterpolationMode mode = InterpolationMode.Nearest,
                bool? align_corners = null, bool recompute_scale_factor = false, bool antialias = false)
            {
                void Expect(bool condition, string message)
                {
                    if (!condition) throw new System.Runtime.InteropServices.ExternalException(message);
                }

                Expect(x.ndim == 4, $"interpolate takes images [N, C, H, W] here, got {x.ndim} dimensions");
                Expect(size is not null || scale_factor is not null, "either size or scale_factor should be defined");
                Expect(size is null || scale_factor is null, "only one of size or scale_factor should be defined");
                foreach (Array given in new Array[] { size, scale_factor })
                    Expect(
                        given is null or { Length: 2 }, $"size or scale_factor must have 2 elements for [N, C, H, W], got {given?.Length}");
                bool smooth = mode is InterpolationMode.Bilinear or InterpolationMode.Bicubic;
                Expect(smooth || align_corners is null,
                    "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear");
                Expect(!antialias || smooth, "Anti-alias option is only supported for bilinear and bicubic modes");
                if (scale_factor is not null && (recompute_scale_factor || mode == InterpolationMode.Area))
                {
                    long[] shape = x.shape;
                    size = [(long)Math.Floor(shape[2] * scale_factor[0]), (long)Math.Floor(shape[3] * scale_factor[1])];
                    scale_factor = null;
                }
                bool align = align_corners ?? false;
                return (mode, antialias) switch
                {
                    (InterpolationMode.Nearest, _) => Dispatch.Call("aten::upsample_nearest2d.vec", x, size, scale_factor),
                    (InterpolationMode.NearestExact, _) => Dispatch.Call("aten::_upsample_nearest_exact2d.vec", x, size, scale_factor),
                    (InterpolationMode.Area, _) => adaptive_avg_pool2d(x, size),
                    (InterpolationMode.Bilinear, false) => Dispatch.Call("aten::upsample_bilinear2d.vec", x, size, align, scale_factor),
                    (InterpolationMode.Bilinear, true) => Dispatch.Call("aten::_upsample_bilinear2d_aa.vec", x, size, align, scale_factor),
                    (InterpolationMode.Bicubic, false) => Dispatch.Call("aten::upsample_bicubic2d.vec", x, size, align, scale_factor),
                    (InterpolationMode.Bicubic, true) => Dispatch.Call("aten::_upsample_bicubic2d_aa.vec", x, size, align, scale_factor),
                    _ => throw new System.Runtime.InteropServices.ExternalException(
                        $"Got 4D input, but {mode.ToString().ToLowerInvariant()} mode is for another number of dimensions"),
                };
            }

            // ---- losses. Reduction's numbers are libtorch's.

            public static Tensor cross_entropy(
                Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean,
                double label_smoothing = 0) =>
                Dispatch.Call("aten::cross_entropy_loss", input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean) =>
                Dispatch.Call("aten::nll_loss_nd", input, target, weight, (long)reduction);

            /// <summary>
            /// Pointwise target * (log target - input). Unlike PyTorch, the target is in log space unless told otherwise. Mean is over
            /// all elements, not over the batch.
            /// </summary>
            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Dispatch.Call("aten::kl_div", input, target, (long)reduction, log_target);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Dispatch.Call("aten::mse_loss", input, target, (long)reduction);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Dispatch.Call("aten::l1_loss", input, target, (long)reduction);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1) =>
                Dispatch.Call("aten::smooth_l1_loss", input, target, (long)reduction, beta);

            public static Tensor binary_cross_entropy_with_logits(
                Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean, Tensor pos_weights = null) =>
                Dispatch.Call("aten::binary_cross_entropy_with_logits", input, target, weight, pos_weights, (long)reduction);
        }
    }
}
