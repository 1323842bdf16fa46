namespace Ard.Trainers.Checkpoints;

/// <summary>What was done to a file's names to load it into a network.</summary>
public sealed record ImportReport
{
    internal ImportReport() { }

    internal string Path { get; init; } = "";
    internal WeightsFormat Format { get; init; }

    /// <summary>The entry of the file in which the state dict was, such as <c>state_dict</c>; empty where it is the whole file.</summary>
    internal string Key { get; init; } = "";

    /// <summary>What was stripped from before the names, such as <c>module.</c>; empty where nothing was.</summary>
    internal string Prefix { get; init; } = "";

    /// <summary>How other definitions' names were read, such as "fc is linear"; null where they are the network's own.</summary>
    internal string? Naming { get; init; }

    internal int Loaded { get; init; }

    /// <summary>Names of the file that were left out on purpose: other parts of a training checkpoint, a normalisation, doubles.</summary>
    internal IReadOnlyList<string> Skipped { get; init; } = [];

    /// <summary>What the user should know: how the network was recognised, where its normalisation comes from.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>All of it, one fact a line.</summary>
    public override string ToString()
    {
        var lines = new List<string> { $"{Path}: {Format}, {Loaded} tensors loaded" };
        if (Key != "") lines.Add($"found under '{Key}'");
        if (Prefix != "") lines.Add($"stripped the prefix '{Prefix}'");
        if (Naming is not null) lines.Add($"read names by the rule: {Naming}");
        var more = Skipped.Count > 5 ? " …" : "";
        if (Skipped.Count > 0) lines.Add($"left out {Skipped.Count}: {string.Join(", ", Skipped.Take(5))}{more}");
        lines.AddRange(Notes);
        return string.Join(Environment.NewLine, lines);
    }
}

/// <summary>A network from a file, and what was done to load it. Disposing of it disposes of the network.</summary>
public sealed record ImportedNetwork : IDisposable
{
    internal ImportedNetwork(Module<Tensor, Tensor> network, NetworkSpec spec, ImportReport report) =>
        (Network, Spec, Report) = (network, spec, report);

    /// <summary>The network, on the CPU, in eval mode.</summary>
    public Module<Tensor, Tensor> Network { get; }

    /// <summary>What network it is: as it was given or recognised, with the normalisation that the file holds.</summary>
    public NetworkSpec Spec { get; }

    /// <summary>What was done.</summary>
    public ImportReport Report { get; }

    /// <summary>Frees the network.</summary>
    public void Dispose() => Network.Dispose();
}
