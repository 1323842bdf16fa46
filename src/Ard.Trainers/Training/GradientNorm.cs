using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>Clipping of gradients by their common norm (Pascanu, Mikolov and Bengio, ICML 2013).</summary>
internal static class GradientNorm
{
    /// <summary>As nn.utils.clip_grad_norm_, which waits for the device to return the norm. This does not.</summary>
    public static void Clip(IEnumerable<Parameter> parameters, double limit)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var gradients = parameters.Select(parameter => parameter.grad).OfType<Tensor>().ToArray();
        if (gradients.Length == 0) return;
        var norm = stack(gradients.Select(gradient => gradient.norm()).ToArray()).norm();
        var factor = limit.Over(norm.Plus(1e-6)).ClampMax(1);
        foreach (var gradient in gradients) gradient.mul_(factor);
    }
}
