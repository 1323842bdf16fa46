namespace Ard.Trainers.Networks;

/// <summary>A network's state dict (parameters and persistent buffers by name) counted, copied and loaded.</summary>
public static class Weights
{
    private const int NamesShown = 10;

    /// <summary>Number of the parameters' elements; buffers are not counted.</summary>
    public static long Count(Module network) => network.parameters().Sum(parameter => parameter.numel());

    /// <summary>The name of the first of a network's tensors that holds NaN or infinity; null where all are finite.</summary>
    internal static string? FirstNotFinite(Module network)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var floating = network.state_dict().Where(pair => pair.Value.is_floating_point()).ToArray();
        // One wait for the device where all is well.
        if (floating.Length == 0 || stack(floating.Select(pair => pair.Value.isfinite().all()).ToArray()).all().item<bool>()) return null;
        return floating.First(pair => !pair.Value.isfinite().all().item<bool>()).Key;
    }

    /// <summary>The same with how much of it, in words.</summary>
    internal static string? NotFinite(Module network) => FirstNotFinite(network) is { } name
        ? $"{NotFinite(network.state_dict()[name])} of its tensor '{name}'" : null;

    /// <summary>How many elements are NaN or infinite, in words, once they are of a type; null where all are finite.</summary>
    internal static string? NotFinite(Tensor tensor, ScalarType? type = null)
    {
        if (!tensor.is_floating_point()) return null;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var finite = (type is { } known ? tensor.to(known) : tensor).isfinite();
        return finite.all().item<bool>()
            ? null
            : $"NaN or infinity in {finite.logical_not().sum().item<long>()} of {finite.numel()} elements";
    }

    /// <summary>Copies all parameters and persistent buffers from one network to another, name by name.</summary>
    /// <exception cref="ArgumentException">Names or shapes differ; nothing has been copied then.</exception>
    public static void Copy(Module source, Module target) => Load(target, source.state_dict());

    /// <summary>
    /// Copies <paramref name="tensors"/> into parameters and persistent buffers of the same names, all of them, of the same shapes. Missing
    /// may be BatchNorm's num_batches_tracked, as in checkpoints of PyTorch before 0.4.1: 0 then. The prefix is what stands before the
    /// network's own names, such as "module."; tensors without it are left alone.
    /// </summary>
    /// <exception cref="ArgumentException">Names or shapes differ, all faults in one message; nothing has been copied then.</exception>
    internal static void Load(Module network, IReadOnlyDictionary<string, Tensor> tensors, string prefix = "")
    {
        var targets = network.state_dict();
        var sources = tensors.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
        var faults = new List<string>();
        AddFault("missing", targets.Keys.Where(name => !sources.ContainsKey(name) && !IsCounter(name)));
        AddFault("unexpected", sources.Keys.Where(name => !targets.ContainsKey(name)));
        AddFault("of another shape", targets.Where(t => sources.TryGetValue(t.Key, out var s) && !s.shape.SequenceEqual(t.Value.shape))
            .Select(t => $"{t.Key} (expected [{string.Join(",", t.Value.shape)}], found [{string.Join(",", sources[t.Key].shape)}])"));
        if (faults.Count > 0) throw new ArgumentException($"{network.GetName()}: {string.Join("; ", faults)}.", nameof(tensors));

        using var _ = no_grad();
        foreach (var (name, target) in targets)
        {
            if (sources.TryGetValue(name, out var tensor)) target.copy_(tensor);
            else target.zero_();
        }

        static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

        void AddFault(string what, IEnumerable<string> names)
        {
            var all = names.ToArray();
            if (all.Length == 0) return;
            var shown = string.Join(", ", all.Take(NamesShown)) + (all.Length > NamesShown ? " …" : "");
            faults.Add($"{all.Length} tensor(s) {what}: {shown}");
        }
    }
}
