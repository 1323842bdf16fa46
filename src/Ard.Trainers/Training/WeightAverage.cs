namespace Ard.Trainers.Training;

internal sealed class WeightAverage(WeightAveraging averaging) : IDisposable
{
    public long Count { get; set; }

    /// <summary>The mean by the names of the state dict; empty before the first are taken.</summary>
    public Dictionary<string, Tensor> Values { get; } = [];

    public void Take(Module network)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var share = averaging.Share(++Count);
        foreach (var (name, value) in network.state_dict())
        {
            if (!Values.TryGetValue(name, out var mean)) Values[name] = value.detach().clone().DetachFromDisposeScope();
            // In this form what does not change stays as it is to the last bit.
            else if (value.is_floating_point()) mean.Add_((value - mean).Times(share));
            else mean.copy_(value);
        }
    }

    /// <summary>Gives the network the mean weights until the result is disposed; then it has its own again.</summary>
    public IDisposable ApplyTo(Module network)
    {
        using var scope = NewDisposeScope();
        var own = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone().DetachFromDisposeScope());
        Weights.Load(network, Values);
        return new PutBack(() =>
        {
            Weights.Load(network, own);
            foreach (var value in own.Values) value.Dispose();
        });
    }

    public void Dispose()
    {
        foreach (var value in Values.Values) value.Dispose();
    }
}
