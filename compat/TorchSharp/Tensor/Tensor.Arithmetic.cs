using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Arithmetic with options, and operators that change the tensor.</summary>
    public partial class Tensor
    {
        public Tensor add(Tensor target, Scalar alpha) => Dispatch.Call("aten::add.Tensor", this, target, alpha);
        public Tensor add_(Tensor target, Scalar alpha) => Dispatch.InPlace("aten::add_.Tensor", this, target, alpha);
        public Tensor add(Scalar scalar, Scalar alpha) => Dispatch.Call("aten::add.Scalar", this, scalar, alpha);
        public Tensor add_(Scalar scalar, Scalar alpha) => Dispatch.InPlace("aten::add_.Scalar", this, scalar, alpha);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None
                ? Dispatch.Call("aten::div.Tensor", this, target)
                : Dispatch.Call("aten::div.Tensor_mode", this, target, rounding_mode.ToString());

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None
                ? Dispatch.Call("aten::div.Scalar", this, target)
                : Dispatch.Call("aten::div.Scalar_mode", this, target, rounding_mode.ToString());

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None
                ? Dispatch.InPlace("aten::div_.Tensor", this, target)
                : Dispatch.InPlace("aten::div_.Tensor_mode", this, target, rounding_mode.ToString());

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None
                ? Dispatch.InPlace("aten::div_.Scalar", this, target)
                : Dispatch.InPlace("aten::div_.Scalar_mode", this, target, rounding_mode.ToString());

        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);

        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Dispatch.Call("aten::addcmul", this, tensor1, tensor2, value);
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Dispatch.InPlace("aten::addcmul_", this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => addcdiv(tensor1, tensor2, 1);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Dispatch.Call("aten::addcdiv", this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => addcdiv_(tensor1, tensor2, 1);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) =>
            Dispatch.InPlace("aten::addcdiv_", this, tensor1, tensor2, value);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) =>
            Dispatch.Call("aten::addmm", this, mat1, mat2, (double)beta, (double)alpha);
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) =>
            Dispatch.Call("aten::baddbmm", this, batch1, batch2, (double)beta, (double)alpha);
        public Tensor lerp(Tensor end, Tensor weight) => Dispatch.Call("aten::lerp.Tensor", this, end, weight);
        public Tensor lerp_(Tensor end, Tensor weight) => Dispatch.InPlace("aten::lerp_.Tensor", this, end, weight);

        public Tensor clamp(Scalar min = null, Scalar max = null) => Dispatch.Call("aten::clamp", this, min, max);
        public Tensor clamp(Tensor min = null, Tensor max = null) => Dispatch.Call("aten::clamp.Tensor", this, min, max);
        public Tensor clamp_(Scalar min = null, Scalar max = null) => Dispatch.InPlace("aten::clamp_", this, min, max);
        public Tensor clamp_(Tensor min = null, Tensor max = null) => Dispatch.InPlace("aten::clamp_.Tensor", this, min, max);
        public Tensor clamp_min(Scalar min) => Dispatch.Call("aten::clamp_min", this, min);
        public Tensor clamp_min_(Scalar min) => Dispatch.InPlace("aten::clamp_min_", this, min);
        public Tensor clamp_max(Scalar max) => Dispatch.Call("aten::clamp_max", this, max);
        public Tensor clamp_max_(Scalar max) => Dispatch.InPlace("aten::clamp_max_", this, max);
        public Tensor clip(Scalar min = null, Scalar max = null) => clamp(min, max);

        public Tensor round(long decimals = 0) => Dispatch.Call("aten::round.decimals", this, decimals);
        public Tensor round_(long decimals = 0) => Dispatch.InPlace("aten::round_.decimals", this, decimals);
        public Tensor nan_to_num(double nan = 0, double? posinf = null, double? neginf = null) =>
            Dispatch.Call("aten::nan_to_num", this, nan, posinf, neginf);

        public Tensor leaky_relu(Scalar negative_slope) => Dispatch.Call("aten::leaky_relu", this, negative_slope);
        public Tensor elu(double alpha = 1) => Dispatch.Call("aten::elu", this, alpha);
        public Tensor gelu() => Dispatch.Call("aten::gelu", this);
        public Tensor softplus(double beta = 1, double threshold = 20) => Dispatch.Call("aten::softplus", this, beta, threshold);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Dispatch.Call("aten::softmax.int", this, dim, dtype);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Dispatch.Call("aten::log_softmax.int", this, dim, dtype);
        public Tensor log_sigmoid() => Dispatch.Call("aten::log_sigmoid", this);

        public Tensor copy_(Tensor source, bool nonBlocking = false) => Dispatch.InPlace("aten::copy_", this, source, nonBlocking);
        public Tensor fill_(Scalar value) => Dispatch.InPlace("aten::fill_.Scalar", this, value);
        public Tensor zero_() => Dispatch.Call("aten::zero_", this);
        public Tensor masked_fill(Tensor mask, Scalar value) => Dispatch.Call("aten::masked_fill.Scalar", this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Dispatch.InPlace("aten::masked_fill_.Scalar", this, mask, value);
        public Tensor where(Tensor condition, Tensor y) => Dispatch.Call("aten::where.self", condition, this, y);

        // ---- random numbers, into this tensor

        public Tensor uniform_(double from, double to, Generator generator = null) =>
            Dispatch.InPlace("aten::uniform_", this, from, to, generator);
        public Tensor normal_(double mean = 0, double std = 1, Generator generator = null) =>
            Dispatch.InPlace("aten::normal_", this, mean, std, generator);
        public Tensor bernoulli_(double p = 0.5, Generator generator = null) =>
            Dispatch.InPlace("aten::bernoulli_.float", this, p, generator);
        public Tensor bernoulli_(Tensor p, Generator generator = null) => Dispatch.InPlace("aten::bernoulli_.Tensor", this, p, generator);
        public Tensor bernoulli(Generator generator = null) => Dispatch.Call("aten::bernoulli", this, generator);
        public Tensor random_(double from, double to, Generator generator = null) =>
            Dispatch.InPlace("aten::random_.from", this, (long)from, (long)to, generator);
        public Tensor exponential_(double lambda = 1, Generator generator = null) =>
            Dispatch.InPlace("aten::exponential_", this, lambda, generator);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator generator = null) =>
            Dispatch.Call("aten::multinomial", this, num_samples, replacement, generator);

        public Tensor rand_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.rand_like(this, dtype, device, requires_grad);
        public Tensor randn_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.randn_like(this, dtype, device, requires_grad);
        public Tensor zeros_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.zeros_like(this, dtype, device, requires_grad);
        public Tensor ones_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.ones_like(this, dtype, device, requires_grad);
        public Tensor empty_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.empty_like(this, dtype, device, requires_grad);
        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.full_like(this, value, dtype, device, requires_grad);

        public Tensor new_zeros(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.zeros(size, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor new_full(long[] size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.full(size, value, dtype ?? this.dtype, device ?? this.device, requires_grad);

        public Tensor new_empty(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            torch.empty(size, dtype ?? this.dtype, device ?? this.device, requires_grad);
    }

    public static Tensor add(Tensor left, Tensor right, Scalar alpha) => left.add(right, alpha);
    public static Tensor div(Tensor left, Tensor right, RoundingMode rounding_mode = RoundingMode.None) => left.div(right, rounding_mode);
    public static Tensor div(Tensor left, Scalar right, RoundingMode rounding_mode = RoundingMode.None) => left.div(right, rounding_mode);
    public static Tensor addcmul(Tensor input, Tensor tensor1, Tensor tensor2, Scalar value) => input.addcmul(tensor1, tensor2, value);
    public static Tensor lerp(Tensor input, Tensor end, Tensor weight) => input.lerp(end, weight);
    public static Tensor clamp(Tensor input, Scalar min = null, Scalar max = null) => input.clamp(min, max);
    public static Tensor clamp(Tensor input, Tensor min = null, Tensor max = null) => input.clamp(min, max);
    public static Tensor clamp_(Tensor input, Scalar min = null, Scalar max = null) => input.clamp_(min, max);
    public static Tensor clamp_(Tensor input, Tensor min = null, Tensor max = null) => input.clamp_(min, max);
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => x.where(condition, y);
    public static Tensor round(Tensor input, long decimals = 0) => input.round(decimals);
    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
    public static Tensor clone(Tensor input) => input.clone();
    public static Tensor bernoulli(Tensor input, Generator generator = null) => input.bernoulli(generator);
    public static Tensor multinomial(Tensor input, long num_samples, bool replacement = false, Generator generator = null) =>
        input.multinomial(num_samples, replacement, generator);
}
