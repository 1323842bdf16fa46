namespace Ard.Trainers.Attacks;

/// <summary>
/// A part of a network with the gradient of another (BPDA: Athalye, Carlini and Wagner, ICML 2018). Where a part has no gradient or a
/// useless one, such as rounding, JPEG or noise, attacks see its values and follow the gradient of what stands in for it. Evaluate the
/// network that has this in place of the part: its outputs are the same to the bit.
/// </summary>
public sealed class StandInGradient : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> part;
    private readonly Module<Tensor, Tensor>? standIn;

    /// <summary>Both are registered as children, and disposed of with this.</summary>
    /// <param name="part">What gives the values. It may have no gradient.</param>
    /// <param name="standIn">What gives the gradient, by outputs of the same shape. Default the identity, for small changes.</param>
    public StandInGradient(Module<Tensor, Tensor> part, Module<Tensor, Tensor>? standIn = null) : base(nameof(StandInGradient))
    {
        ArgumentNullException.ThrowIfNull(part);
        (this.part, this.standIn) = (part, standIn);
        register_module(nameof(part), part);
        if (standIn is not null) register_module(nameof(standIn), standIn);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        Tensor values;
        using (no_grad()) values = part.call(input);
        if (!input.requires_grad) return values;
        var others = standIn is null ? input : standIn.call(input);
        if (!others.shape.SequenceEqual(values.shape))
            throw new InvalidOperationException(
                $"{nameof(StandInGradient)}: the part gives [{string.Join(",", values.shape)}], "
                + $"its stand-in [{string.Join(",", others.shape)}], expected the same shape.");
        // Zero, with the gradient of the stand-in.
        return values.Plus(others - others.detach());
    }
}
