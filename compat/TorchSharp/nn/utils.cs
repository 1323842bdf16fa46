// Gradient clipping, parameters as one vector, and folding BatchNorm into a linear layer.
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static class utils
        {
            /// <summary>Scales the gradients so that their common norm is at most max_norm; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                Tensor[] grads = Grads(tensors);
                if (grads.Length == 0) return 0;
                double total = double.IsPositiveInfinity(norm_type)
                    ? grads.Max(grad => grad.abs().max().ToDouble())
                    : stack(grads.Select(grad => grad.norm((float)norm_type)).ToArray()).norm((float)norm_type).ToDouble();
                double factor = max_norm / (total + 1e-6);
                if (factor < 1)
                    foreach (Tensor grad in grads) grad.mul_(factor);
                return total;
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                foreach (Tensor grad in Grads(tensors)) grad.clamp_(-clip_value, clip_value);
            }

            private static Tensor[] Grads(IEnumerable<Parameter> tensors) =>
                tensors.Select(tensor => tensor.grad).Where(grad => grad is not null).ToArray();

            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return cat(tensors.Select(tensor => tensor.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                long at = 0;
                foreach (Parameter tensor in tensors)
                {
                    long length = tensor.numel();
                    tensor.copy_(vec.narrow(0, at, length).view_as(tensor));
                    at += length;
                }
            }

            public static (Parameter weight, Parameter bias) fuse_conv_bn_weights(
                Tensor conv_w, Tensor conv_b, Tensor bn_rm, Tensor bn_rv, double bn_eps, Tensor bn_w, Tensor bn_b, bool transpose = false)
            {
                var shape = new long[conv_w.ndim];
                Array.Fill(shape, 1);
                shape[transpose ? 1 : 0] = -1;
                return Fuse(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape);
            }

            public static (Parameter weight, Parameter bias) fuse_linear_bn_weights(
                Tensor linear_w, Tensor linear_b, Tensor bn_rm, Tensor bn_rv, double bn_eps, Tensor bn_w, Tensor bn_b) =>
                Fuse(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1]);

            // y = (W x + b - mean) w / sqrt(var + eps) + c, as one linear map; shape: how the factor per output spreads over W.
            private static (Parameter, Parameter) Fuse(
                Tensor weight, Tensor bias, Tensor mean, Tensor variance, double eps, Tensor scale, Tensor shift, long[] shape)
            {
                using var scope = NewDisposeScope();
                using var _ = no_grad();
                Tensor factor = variance.add(eps).rsqrt();
                if (scale is not null) factor = factor * scale;
                Tensor offset = bias is null ? mean.neg() : bias - mean;
                offset = offset * factor;
                if (shift is not null) offset = offset + shift;
                var fused = new Parameter(weight * factor.reshape(shape));
                var fusedBias = new Parameter(offset);
                fused.MoveToOuterDisposeScope();
                fusedBias.MoveToOuterDisposeScope();
                return (fused, fusedBias);
            }

            public static Linear fuse_linear_bn_eval(Linear linear, BatchNorm bn)
            {
                if (linear.training || bn.training) throw new InvalidOperationException("Fusing operators is valid only for eval mode.");
                var (weight, bias) = fuse_linear_bn_weights(
                    linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias);
                return Linear(weight, bias);
            }
        }
    }
}
