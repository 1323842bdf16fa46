using TorchSharp.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        private protected Convolution(
            string name, long inputs, long outputs, long[] kernel, long[] stride, long[] padding, Padding? paddingType, long[] dilation,
            long groups, bool hasBias, PaddingModes mode, Device device, ScalarType? dtype) : base(name)
        {
            (in_channels, out_channels, kernel_size, this.stride, this.dilation, this.groups, padding_mode) =
                (inputs, outputs, kernel, stride, dilation, groups, mode);
            output_padding = new long[kernel.Length];
            if (paddingType is { } type) SetPadding(type);
            else SetPadding(padding);
            weight = Parameter.Empty([outputs, inputs / groups, .. kernel], device, dtype);
            if (hasBias) bias = Parameter.Empty([outputs], device, dtype);
            reset_parameters();
        }

        public long in_channels { get; }
        public long out_channels { get; }
        public long[] kernel_size { get; set; }
        public long[] stride { get; set; }
        public long[] dilation { get; set; }
        public long[] output_padding { get; set; }
        public long groups { get; set; }
        public bool transposed => false;
        public PaddingModes padding_mode { get; set; }

        /// <summary>Null where padding_type says what to do.</summary>
        public long[] padding { get; private set; }

        public Padding? padding_type { get; private set; }

        public Parameter weight { get => _weight; set => Replace(nameof(weight), ref _weight, value); }
        public Parameter bias { get => _bias; set => Replace(nameof(bias), ref _bias, value); }

        public void SetPadding(long[] padding) => (this.padding, padding_type) = (padding, null);

        public void SetPadding(Padding padding)
        {
            if (padding == Padding.Same && stride.Any(s => s != 1))
                throw new ArgumentException("padding='same' is not supported for strided convolutions");
            (this.padding, padding_type) = (null, padding);
        }

        public void reset_parameters() => nn.ResetLinear(weight, bias);

        private protected void Validate(Tensor input, long dimensions)
        {
            long[] shape = input.shape;
            bool batched = shape.Length == dimensions + 2;
            if ((batched || shape.Length == dimensions + 1) && shape[batched ? 1 : 0] == in_channels) return;
            throw new ArgumentException(
                $"Expected {dimensions + 1}D (unbatched) or {dimensions + 2}D (batched) input with {in_channels} channels to {GetName()}.");
        }

        /// <summary>Padding before and after, last dimension first, as functional.pad takes it.</summary>
        private protected long[] Border()
        {
            var border = new long[2 * kernel_size.Length];
            for (int i = 0; i < kernel_size.Length; i++)
            {
                long both = padding_type switch
                {
                    null => 2 * padding[i],
                    Padding.Same => dilation[i] * (kernel_size[i] - 1),
                    _ => 0,
                };
                int at = 2 * (kernel_size.Length - 1 - i);
                (border[at], border[at + 1]) = (both / 2, both - both / 2);
            }
            return border;
        }
    }

    public sealed class Conv2d : Convolution
    {
        internal Conv2d(
            long inputs, long outputs, long[] kernel, long[] stride, long[] padding, Padding? paddingType, long[] dilation,
            PaddingModes mode, long groups, bool hasBias, Device device, ScalarType? dtype)
            : base(nameof(Conv2d), inputs, outputs, kernel, stride ?? [1, 1], padding ?? [0, 0], paddingType, dilation ?? [1, 1],
                groups, hasBias, mode, device, dtype)
        { }

        public override Tensor forward(Tensor input)
        {
            Validate(input, 2);
            if (padding_mode != PaddingModes.Zeros)
            {
                using Tensor padded = nn.functional.pad(input, Border(), padding_mode);
                return nn.functional.conv2d(padded, weight, bias, stride, [0, 0], dilation, groups);
            }
            if (padding_type is not { } type) return nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups);
            return Dispatch.Call(
                "aten::conv2d.padding", input, weight, bias, stride, type == Padding.Same ? "same" : "valid", dilation, groups);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Conv2d Conv2d(
                long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros,
                long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), null, Pair(dilation),
                    padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(
                long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null,
                (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true,
                Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), Pair(padding), null, Pair(dilation),
                    padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(
                long in_channels, long out_channels, long kernel_size, Padding padding, long stride = 1, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros,
                long groups = 1, bool bias = true, Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), null, padding, Pair(dilation),
                    padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(
                long in_channels, long out_channels, (long, long) kernel_size, Padding padding, (long, long)? stride = null,
                (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true,
                Device device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, Pair(kernel_size), Pair(stride), null, padding, Pair(dilation),
                    padding_mode, groups, bias, device, dtype);
        }
    }
}
