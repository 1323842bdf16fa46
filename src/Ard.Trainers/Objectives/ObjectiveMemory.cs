namespace Ard.Trainers.Objectives;

/// <summary>
/// Named tensors that an <see cref="Objective"/> carries from batch to batch, such as the perturbation of free adversarial training. The
/// training run owns them and writes them into its checkpoint, so that a resumed run equals an uninterrupted one.
/// </summary>
public sealed class ObjectiveMemory : IDisposable
{
    private readonly Dictionary<string, Tensor> entries = [];
    private readonly HashSet<string> perImage = [];

    internal ObjectiveMemory()
    {
    }

    /// <summary>All that is remembered. The tensors belong to the memory.</summary>
    internal IReadOnlyDictionary<string, Tensor> Entries => entries;

    /// <summary>What is remembered under the name, or null. The tensor is the memory's and lives until the name is set again.</summary>
    public Tensor? this[string name] => entries.GetValueOrDefault(name);

    /// <summary>Remembers a copy of the values, without their graph.</summary>
    /// <param name="name">Letters, digits and points.</param>
    /// <param name="value">Any tensor.</param>
    /// <param name="perImage">
    /// Whether it has a row for each image of the batch. Where several processes train together, each remembers those of its own images;
    /// of all else every process has to remember the same. Default false.
    /// </param>
    public void Set(string name, Tensor value, bool perImage = false)
    {
        if (perImage) this.perImage.Add(name);
        else this.perImage.Remove(name);
        var copy = value.detach().clone().DetachFromDisposeScope();
        if (entries.Remove(name, out var before)) before.Dispose();
        entries[name] = copy;
    }

    /// <summary>Whether the entry has a row for each image of the batch.</summary>
    internal bool IsPerImage(string name) => perImage.Contains(name);

    // Frees the tensors.
    void IDisposable.Dispose()
    {
        foreach (var value in entries.Values) value.Dispose();
        entries.Clear();
    }
}
