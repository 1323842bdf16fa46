using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    public sealed class Linear : nn.Module<Tensor, Tensor>
    {
        private Parameter _weight, _bias;

        internal Linear(long inputs, long outputs, bool hasBias, Device device, ScalarType? dtype) : base(nameof(Linear))
        {
            (in_features, out_features) = (inputs, outputs);
            weight = Parameter.Empty([outputs, inputs], device, dtype);
            if (hasBias) bias = Parameter.Empty([outputs], device, dtype);
            nn.ResetLinear(weight, bias);
        }

        internal Linear(Parameter weight, Parameter bias) : base(nameof(Linear))
        {
            (in_features, out_features) = (weight.shape[1], weight.shape[0]);
            (this.weight, this.bias) = (weight, bias);
        }

        public long in_features { get; set; }
        public long out_features { get; set; }
        public Parameter weight { get => _weight; set => Replace(nameof(weight), ref _weight, value); }
        public Parameter bias { get => _bias; set => Replace(nameof(bias), ref _bias, value); }

        public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, weight, bias);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Linear Linear(
                long inputSize, long outputSize, bool hasBias = true, Device device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);

            public static Linear Linear(Modules.Parameter weight, Modules.Parameter bias = null) => new(weight, bias);

            /// <summary>PyTorch's default of linear and convolution layers: uniform within 1 / sqrt(fan in).</summary>
            internal static void ResetLinear(Tensor weight, Tensor bias)
            {
                init.kaiming_uniform_(weight, Math.Sqrt(5));
                if (bias is null) return;
                double bound = 1 / Math.Sqrt(init.CalculateFanInAndFanOut(weight).fanIn);
                init.uniform_(bias, -bound, bound);
            }
        }
    }
}
