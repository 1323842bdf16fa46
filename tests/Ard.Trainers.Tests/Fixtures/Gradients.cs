namespace Ard.Trainers.Tests.Fixtures;

/// <summary>Gradients against central differences, in float64.</summary>
internal static class Gradients
{
    /// <summary>Fails where a gradient differs from the central difference of the value, at eight places of the variable.</summary>
    /// <param name="value">The value, computed anew from the variable each time.</param>
    /// <param name="variable">Contiguous; moved and put back.</param>
    /// <param name="gradient">What is claimed.</param>
    /// <param name="what">For the message.</param>
    public static void Check(Func<double> value, Tensor variable, Tensor gradient, string what)
    {
        const double h = 1e-5;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var (flat, claimed) = (variable.detach().view(-1), gradient.detach().contiguous().view(-1));
        var scale = claimed.abs().max().item<double>();
        Assert.True(scale > 1e-8, $"{what}: the gradient is zero");
        var count = flat.shape[0];
        for (var n = 0L; n < Math.Min(8, count); n++)
        {
            var at = count <= 8 ? n : (n * 2654435761L + 17) % count;
            var before = flat[at].item<double>();
            double At(double x)
            {
                flat[at] = tensor(x, ScalarType.Float64);
                return value();
            }
            var slope = (At(before + h) - At(before - h)) / (2 * h);
            At(before);
            var claim = claimed[at].item<double>();
            Assert.True(
                Math.Abs(slope - claim) <= 1e-4 * scale + 1e-9,
                $"{what}[{at}]: gradient {claim:G6}, difference quotient {slope:G6}");
        }
    }
}
