// Normalisation layers.
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>Scale, shift and running statistics of the layers that normalise over a batch.</summary>
    public abstract class NormBase : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;
        private Tensor _running_mean, _running_var, _num_batches_tracked;

        private protected NormBase(
            long features,
            double eps, double? momentum, bool affine, bool track, Device device, ScalarType? dtype, string name) : base(name)
        {
            (num_features, this.eps, this.momentum, this.affine, track_running_stats) = (features, eps, momentum, affine, track);
            if (affine)
            {
                weight = Parameter.Empty([features], device, dtype);
                bias = Parameter.Empty([features], device, dtype);
            }
            if (track)
            {
                running_mean = zeros([features], dtype, device);
                running_var = ones([features], dtype, device);
                // Where a type is given, TorchSharp counts in it too.
                num_batches_tracked = zeros(Array.Empty<long>(), dtype ?? ScalarType.Int64, device);
            }
            reset_parameters();
        }

        public long num_features { get; }
        public double eps { get; set; }

        /// <summary>Null: the running statistics are the plain mean over all batches.</summary>
        public double? momentum { get; set; }

        public bool affine { get; }
        public bool track_running_stats { get; }
#nullable enable annotations
        // As in the package, so that code is warned here of what would be an error there.
        public Parameter? weight { get => _weight; set => Replace(nameof(weight), ref _weight!, value); }
        public Parameter? bias { get => _bias; set => Replace(nameof(bias), ref _bias!, value); }
        public Tensor? running_mean { get => _running_mean; set => Replace(nameof(running_mean), ref _running_mean!, value); }
        public Tensor? running_var { get => _running_var; set => Replace(nameof(running_var), ref _running_var!, value); }

        public Tensor? num_batches_tracked
        {
            get => _num_batches_tracked;
            set => Replace(nameof(num_batches_tracked), ref _num_batches_tracked!, value);
        }
#nullable restore annotations

        protected abstract void ValidateInputDimensions(Tensor input);

        public void reset_running_stats()
        {
            if (!track_running_stats) return;
            nn.init.zeros_(running_mean);
            nn.init.ones_(running_var);
            nn.init.zeros_(num_batches_tracked);
        }

        public void reset_parameters()
        {
            reset_running_stats();
            if (!affine) return;
            nn.init.ones_(weight);
            nn.init.zeros_(bias);
        }
    }

    public abstract class BatchNorm : NormBase
    {
        private protected BatchNorm(
            long features, double eps, double momentum, bool affine, bool track, Device device, ScalarType? dtype, string name)
            : base(features, eps, momentum, affine, track, device, dtype, name)
        { }

        public override Tensor forward(Tensor input)
        {
            ValidateInputDimensions(input);
            double factor = momentum ?? 0;
            bool tracking = training && track_running_stats;
            if (tracking && num_batches_tracked is { } count)
            {
                count.add_(1);
                if (momentum is null) factor = 1.0 / count.ToDouble();
            }
            bool useBatch = training || (running_mean is null && running_var is null);
            bool useRunning = !training || tracking;
            return nn.functional.batch_norm(
                input, useRunning ? running_mean : null, useRunning ? running_var : null, weight, bias, useBatch, factor, eps);
        }
    }

    public sealed class BatchNorm1d : BatchNorm
    {
        internal BatchNorm1d(long features, double eps, double momentum, bool affine, bool track, Device device, ScalarType? dtype)
            : base(features, eps, momentum, affine, track, device, dtype, nameof(BatchNorm1d))
        { }

        protected override void ValidateInputDimensions(Tensor input)
        {
            if (input.ndim is not (2 or 3)) throw new ArgumentException($"expected 2D or 3D input, but got {input.ndim}D input.");
        }
    }

    public sealed class BatchNorm2d : BatchNorm
    {
        internal BatchNorm2d(long features, double eps, double momentum, bool affine, bool track, Device device, ScalarType? dtype)
            : base(features, eps, momentum, affine, track, device, dtype, nameof(BatchNorm2d))
        { }

        protected override void ValidateInputDimensions(Tensor input)
        {
            if (input.ndim != 4) throw new ArgumentException($"expected 4D input, but got {input.ndim}D input.");
        }
    }

    public sealed class LayerNorm : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal LayerNorm(long[] shape, double eps, bool affine, bool hasBias, Device device, ScalarType? dtype) : base(nameof(LayerNorm))
        {
            (normalized_shape, this.eps, elementwise_affine) = (shape, eps, affine);
            if (affine) weight = Parameter.Empty(shape, device, dtype);
            if (affine && hasBias) bias = Parameter.Empty(shape, device, dtype);
            reset_parameters();
        }

        public long[] normalized_shape { get; set; }
        public double eps { get; set; }
        public bool elementwise_affine { get; set; }
        public Parameter weight { get => _weight; set => Replace(nameof(weight), ref _weight, value); }
        public Parameter bias { get => _bias; set => Replace(nameof(bias), ref _bias, value); }

        public void reset_parameters()
        {
            if (weight is not null) nn.init.ones_(weight);
            if (bias is not null) nn.init.zeros_(bias);
        }

        public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, weight, bias, eps);
    }

    /// <summary>
    /// Scale and shift begin at 1 and 0. TorchSharp 0.107 leaves them uninitialised: code for both sets them itself.
    /// </summary>
    public sealed class GroupNorm : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal GroupNorm(long groups, long channels, double eps, bool affine, Device device, ScalarType? dtype) : base(nameof(GroupNorm))
        {
            (num_groups, this.eps, this.affine) = (groups, eps, affine);
            if (!affine) return;
            weight = Parameter.Empty([channels], device, dtype);
            bias = Parameter.Empty([channels], device, dtype);
            nn.init.ones_(weight);
            nn.init.zeros_(bias);
        }

        public long num_groups { get; set; }
        public double eps { get; set; }
        public bool affine { get; set; }
        public Parameter weight { get => _weight; set => Replace(nameof(weight), ref _weight, value); }
        public Parameter bias { get => _bias; set => Replace(nameof(bias), ref _bias, value); }

        public override Tensor forward(Tensor tensor)
        {
            if (tensor.ndim < 3) throw new ArgumentException($"Invalid number of dimensions for GroupNorm argument: {tensor.ndim}");
            return nn.functional.group_norm(tensor, num_groups, weight, bias, eps);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static BatchNorm1d BatchNorm1d(
                long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true,
                Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm2d BatchNorm2d(
                long num_features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true,
                Device device = null, ScalarType? dtype = null) =>
                new(num_features, eps, momentum, affine, track_running_stats, device, dtype);

            public static LayerNorm LayerNorm(
                long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device device = null,
                ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static LayerNorm LayerNorm(
                long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device device = null,
                ScalarType? dtype = null) =>
                new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static GroupNorm GroupNorm(
                long num_groups,
                long num_channels, double eps = 1e-05, bool affine = true, Device device = null, ScalarType? dtype = null) =>
                new(num_groups, num_channels, eps, affine, device, dtype);
        }
    }
}
