namespace Ard.Trainers.Objectives;

/// <summary>Named tensors that an <see cref="Objective"/> carries from batch to batch, and a training through its checkpoints.</summary>
public sealed class ObjectiveMemory : IDisposable
{
    private readonly Dictionary<string, (Tensor Value, bool PerImage)> entries = [];

    internal ObjectiveMemory() { }

    /// <summary>All that is remembered. The tensors belong to the memory.</summary>
    internal IReadOnlyDictionary<string, (Tensor Value, bool PerImage)> Entries => entries;

    /// <summary>What is remembered under the name, or null. The tensor is the memory's and lives until the name is set again.</summary>
    public Tensor? this[string name] => entries.GetValueOrDefault(name).Value;

    /// <summary>Remembers a copy of the values, without their graph.</summary>
    /// <param name="name">Letters, digits and points.</param>
    /// <param name="value">Any tensor.</param>
    /// <param name="perImage">
    /// Whether it has a row for each image of the batch: of several processes each keeps those of its own. All else is to be the same in
    /// all. Default false.
    /// </param>
    public void Set(string name, Tensor value, bool perImage = false)
    {
        var copy = value.detach().clone().DetachFromDisposeScope();
        this[name]?.Dispose();
        entries[name] = (copy, perImage);
    }

    // Frees the tensors.
    void IDisposable.Dispose()
    {
        foreach (var (value, _) in entries.Values) value.Dispose();
        entries.Clear();
    }
}
