using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that a module learns. It takes the place of the tensor that it is made of, which is empty afterwards.</summary>
    public class Parameter : Tensor, IDisposable
    {
        public Parameter(Tensor data, bool requires_grad = true) : base(data)
        {
            if (this.requires_grad != requires_grad) this.requires_grad = requires_grad;
        }

        /// <summary>A new one outside of all dispose scopes, as the layers here hold theirs.</summary>
        internal static Parameter Empty(long[] shape, Device device, ScalarType? dtype)
        {
            var parameter = new Parameter(empty(shape, dtype, device));
            parameter.DetachFromDisposeScope();
            return parameter;
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
