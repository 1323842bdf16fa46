using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>One step of Adam (Kingma and Ba, 2015), or of AdamW (Loshchilov and Hutter, 2019) where the decay is decoupled.</summary>
internal static class AdamUpdate
{
    internal static void Apply(
        Tensor parameter, Tensor grad, long step, Tensor mean, Tensor square, Tensor largestSquare, double lr, double beta1, double beta2,
        double eps, double decay, bool decoupled)
    {
        using var scope = NewDisposeScope();
        if (decoupled) parameter.mul_(1 - lr * decay);
        else if (decay != 0) grad = grad.add(parameter, decay);
        mean.mul_(beta1).add_(grad, 1 - beta1);
        square.mul_(beta2).addcmul_(grad, grad, 1 - beta2);
        if (largestSquare is not null) largestSquare.copy_(maximum(largestSquare, square));
        double correction1 = 1 - Math.Pow(beta1, step), correction2 = 1 - Math.Pow(beta2, step);
        Tensor denominator = (largestSquare ?? square).sqrt().div_(Math.Sqrt(correction2)).add_(eps);
        parameter.addcdiv_(mean, denominator, -lr / correction1);
    }

    internal static void Check(double lr, double beta1, double beta2, double eps, double decay)
    {
        if (lr < 0) throw new ArgumentException($"Invalid learning rate: {lr}");
        if (beta1 is < 0 or >= 1) throw new ArgumentException($"Invalid beta1: {beta1}");
        if (beta2 is < 0 or >= 1) throw new ArgumentException($"Invalid beta2: {beta2}");
        if (eps < 0) throw new ArgumentException($"Invalid ε: {eps}");
        if (decay < 0) throw new ArgumentException($"Invalid weight_decay value: {decay}");
    }
}
