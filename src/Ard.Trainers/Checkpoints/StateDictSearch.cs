namespace Ard.Trainers.Checkpoints;

/// <summary>The state dict in what <c>torch.save</c> was given, by rule.</summary>
internal sealed record StateDictSearch
{
    private const int Depth = 4;

    // What training programs call the entry, in the order in which it is taken where several are there.
    private static readonly string[] Usual =
        ["state_dict", "model_state_dict", "model", "net", "network", "model_state", "net_state_dict", "weights", "params", "parameters"];

    private static readonly string[] NeverWeights = ["optim", "sched", "scaler", "amp"];

    /// <summary>Where it was: the dictionaries' keys with dots between; empty where the file holds nothing else.</summary>
    public required string Key { get; init; }

    /// <summary>Its tensors by name, in its order.</summary>
    public required IReadOnlyList<KeyValuePair<string, PickledTensor>> Tensors { get; init; }

    /// <summary>The keys of other dictionaries with tensors, any of which may be asked for, and of what in this one is no tensor.</summary>
    public required IReadOnlyList<string> Others { get; init; }

    /// <summary>
    /// Finds it: the first entry of the usual names (state_dict, model_state_dict, model, net …), else the value itself if it has tensors,
    /// else the only dictionary with tensors. Optimizers and schedules do not count.
    /// </summary>
    /// <param name="value">What was saved.</param>
    /// <param name="key">The one to take. Default null: by the rule.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="CheckpointException">There is none, or several with nothing to choose by; the message lists them.</exception>
    public static StateDictSearch Find(object? value, string? key, string path)
    {
        const string Expected = "a state dict: tensors by name";
        var all = new List<(string Key, OrderedDictionary<string, object?> Values)>();
        Collect(value, "", 0, new HashSet<object>(ReferenceEqualityComparer.Instance), all);
        var keys = string.Join(", ", all.Take(20).Select(found => $"'{Unpickler.Shown(found.Key)}'"));
        if (all.Count == 0) throw new CheckpointException(path, Expected, Description(value));
        var sources = all.Where(found => key is null
            ? !NeverWeights.Any(word => found.Key.Contains(word, StringComparison.OrdinalIgnoreCase))
            : found.Key == key).ToArray();
        if (key is not null && sources.Length == 0)
            throw new CheckpointException(path, $"a state dict under '{key}'", $"those under {keys}");
        var ranked = sources.OrderBy(found => Rank(found.Key)).ThenBy(found => found.Key.Count(c => c == '.')).ToArray();
        if (ranked is [] || (ranked.Length > 1 && Rank(ranked[0].Key) > Usual.Length))
            throw new CheckpointException(path, $"{Expected}, or a key that says which", $"tensors under {keys}");
        var chosen = ranked[0];
        return new()
        {
            Key = chosen.Key,
            Tensors =
            [
                .. from pair in chosen.Values
                   where pair.Value is PickledTensor
                   select KeyValuePair.Create(pair.Key, (PickledTensor)pair.Value!),
            ],
            Others =
            [
                .. all.Where(found => found != chosen).Select(found => found.Key),
                .. chosen.Values.Where(pair => pair.Value is not (PickledTensor or OrderedDictionary<string, object?>))
                    .Select(pair => Joined(chosen.Key, pair.Key)),
            ],
        };
    }

    /// <summary>Every tensor in a value, each once.</summary>
    public static IEnumerable<PickledTensor> AllTensors(object? value)
    {
        // Without recursion: values may be nested as deeply as their pickle is long.
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object?>([value]);
        while (open.TryPop(out var next))
        {
            if (next is null || !seen.Add(next)) continue;
            if (next is PickledTensor tensor) yield return tensor;
            IEnumerable<object?> parts = next switch
            {
                OrderedDictionary<string, object?> dictionary => dictionary.Values,
                List<object?> list => list,
                object?[] tuple => tuple,
                _ => [],
            };
            foreach (var part in parts) open.Push(part);
        }
    }

    private static int Rank(string key)
    {
        if (key == "") return Usual.Length;
        var usual = Array.IndexOf(Usual, key[(key.LastIndexOf('.') + 1)..]);
        return usual >= 0 ? usual : Usual.Length + 1;
    }

    private static void Collect(
        object? value, string key, int depth, HashSet<object> seen, List<(string, OrderedDictionary<string, object?>)> all)
    {
        if (value is not OrderedDictionary<string, object?> dictionary || depth > Depth || !seen.Add(dictionary)) return;
        if (dictionary.Values.Any(item => item is PickledTensor)) all.Add((key, dictionary));
        foreach (var (name, item) in dictionary) Collect(item, Joined(key, name), depth + 1, seen, all);
    }

    private static string Joined(string key, string name) => key == "" ? name : $"{key}.{name}";

    private static string Description(object? value) => value switch
    {
        PickledTensor => "one tensor without a name",
        OrderedDictionary<string, object?> dictionary =>
            $"a dictionary without tensors: [{string.Join(", ", dictionary.Keys.Take(20).Select(Unpickler.Shown))}]",
        List<object?> or object?[] => "a list",
        _ => "one plain value",
    };
}
