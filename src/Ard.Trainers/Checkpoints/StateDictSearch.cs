namespace Ard.Trainers.Checkpoints;

/// <summary>The state dict in what <c>torch.save</c> was given, by rule.</summary>
/// <param name="Key">Where it was: the dictionaries' keys with dots between; empty where the file holds nothing else.</param>
/// <param name="Tensors">Its tensors by name, in its order.</param>
/// <param name="Others">
/// The keys of other state dicts, any of which may be asked for; of what in this one is no tensor; and of what is not known, with its name
/// in brackets.
/// </param>
/// <param name="Averages">The keys of averaged weights among them, which are not taken unless they are asked for.</param>
internal sealed record StateDictSearch(
    string Key, IReadOnlyList<KeyValuePair<string, PickledTensor>> Tensors, IReadOnlyList<string> Others, IReadOnlyList<string> Averages)
{
    private const int Depth = 4;
    private const int MostOpaque = 100;

    // What training programs call the entry, in the order in which it is taken where several are there.
    private static readonly string[] Usual =
        ["state_dict", "model_state_dict", "model", "net", "network", "model_state", "net_state_dict", "weights", "params", "parameters"];

    private static readonly string[] NeverWeights = ["optim", "sched", "scaler", "amp"];

    // Parts of names of weights that were averaged while the last ones went on.
    private static readonly string[] AverageWords = ["ema", "swa", "avg", "average", "averaged", "polyak", "shadow"];

    private sealed record Source(string Key, OrderedDictionary<string, object?> Values, bool IsOptimizer)
    {
        public IEnumerable<KeyValuePair<string, PickledTensor>> Tensors =>
            from pair in Values
            where pair.Value is PickledTensor
            select KeyValuePair.Create(pair.Key, (PickledTensor)pair.Value!);
    }

    /// <summary>
    /// Finds it: the first entry of the usual names (state_dict, model_state_dict, model, net …), else the value itself if it has
    /// tensors, else the only dictionary with tensors. Averages come after all others; optimizers and schedules do not count.
    /// </summary>
    /// <param name="value">What was saved.</param>
    /// <param name="key">
    /// The one to take: keys and places in lists with dots between, such as <c>ema</c> or <c>state_dict.0</c>, and after them what may
    /// stand before the names of some of its tensors, such as <c>ema_model</c>. Default null: by the rule.
    /// </param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="DataFileException">There is none, or several with nothing to choose by; the message lists them.</exception>
    public static StateDictSearch Find(object? value, string? key, string path)
    {
        const string Expected = "a state dict: tensors by name";
        var all = new List<Source>();
        var opaque = new List<string>();
        Collect(value, "", 0, false, new HashSet<object>(ReferenceEqualityComparer.Instance), all, opaque);
        var keys = string.Join(", ", all.Take(20).Select(found => $"'{PickledText.Shown(found.Key)}'"));
        if (all.Count > ParameterNames.MaximumTensors)
            throw new DataFileException(path, $"at most {ParameterNames.MaximumTensors} dictionaries with tensors", "more");
        if (all.Count == 0) throw new DataFileException(path, Expected, Description(value));
        if (key is not null) return ByKey(all, opaque, key) ?? throw new DataFileException(
            path, $"a state dict under '{key}'", $"those under {keys}");
        var ranked = all.Where(found => !found.IsOptimizer
                && !NeverWeights.Any(word => found.Key.Contains(word, StringComparison.OrdinalIgnoreCase)))
            // Numbers beside state dicts are none.
            .Where(found => found.Key != "" || found.Tensors.Any(pair => pair.Value.Shape.Length > 0))
            .OrderBy(found => IsAverage(found.Key)).ThenBy(found => Rank(found.Key)).ThenBy(found => found.Key.Count(c => c == '.'))
            .ToArray();
        if (ranked is [] || (ranked.Length > 1 && Rank(ranked[0].Key) > Usual.Length))
            throw new DataFileException(path, $"{Expected}, or a key that says which", $"tensors under {keys}");
        var chosen = ranked[0];
        var tensors = chosen.Tensors.ToArray();
        var averages = Averaged(tensors.Select(pair => pair.Key));
        string[] averaged = [.. averages.Select(name => Joined(chosen.Key, name))];
        var apart = all.Where(found => found != chosen && !found.IsOptimizer && !IsAverage(chosen.Key) && IsAverage(found.Key));
        return new(
            chosen.Key, [.. tensors.Where(pair => !averages.Contains(First(pair.Key)))], [.. OthersOf(all, chosen, opaque), .. averaged],
            [.. averaged, .. apart.Select(found => found.Key)]);
    }

    private static StateDictSearch? ByKey(List<Source> all, List<string> opaque, string key)
    {
        foreach (var source in all.OrderByDescending(found => found.Key == key))
        {
            if (source.Key == key) return new(key, [.. source.Tensors], OthersOf(all, source, opaque), []);
            if (source.Key != "" && !key.StartsWith($"{source.Key}.", StringComparison.Ordinal)) continue;
            var prefix = source.Key == "" ? $"{key}." : $"{key[(source.Key.Length + 1)..]}.";
            var tensors = source.Tensors.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToArray();
            if (tensors.Length == 0) continue;
            return new(
                key, [.. tensors.Select(pair => KeyValuePair.Create(pair.Key[prefix.Length..], pair.Value))],
                [.. OthersOf(all, source, opaque), Joined(source.Key, "*")], []);
        }
        return null;
    }

    private static List<string> OthersOf(List<Source> all, Source chosen, List<string> opaque) =>
    [
        .. all.Where(found => found != chosen).Select(found => found.Key),
        .. chosen.Values
            .Where(pair => pair.Value is not (PickledTensor or PickledOpaque or OrderedDictionary<string, object?>))
            .Select(pair => Joined(chosen.Key, pair.Key)).Take(ParameterNames.MaximumTensors),
        .. opaque,
    ];

    private static int Rank(string key)
    {
        if (key == "") return Usual.Length;
        var usual = Array.IndexOf(Usual, key[(key.LastIndexOf('.') + 1)..]);
        return usual >= 0 ? usual : Usual.Length + 1;
    }

    // Whether one of the words is a part of the key, as it is of state_dict_ema.
    private static bool IsAverage(string key) =>
        key.Split('.', '_', '-').Any(part => AverageWords.Contains(part, StringComparer.OrdinalIgnoreCase));

    private static string First(string name) => name[..Math.Max(0, name.IndexOf('.'))];

    // What stands before the names of weights that are there a second time, averaged.
    private static HashSet<string> Averaged(IEnumerable<string> names)
    {
        var groups = names.GroupBy(First).Where(group => group.Key != "")
            .ToDictionary(group => group.Key, group => group.Select(name => Bare(name[(group.Key.Length + 1)..])).ToHashSet());
        return
        [
            .. groups.Where(group => IsAverage(group.Key)
                    && groups.Any(other => !IsAverage(other.Key) && group.Value.Count(other.Value.Contains) * 2 > group.Value.Count))
                .Select(group => group.Key),
        ];

        static string Bare(string name) => name.StartsWith("module.", StringComparison.Ordinal) ? name[7..] : name;
    }

    private static void Collect(
        object? value, string key, int depth, bool isOptimizer, HashSet<object> seen, List<Source> all, List<string> opaque)
    {
        if (value is PickledOpaque unknown && opaque.Count < MostOpaque) opaque.Add($"{key} ({PickledText.Shown(unknown.Name)})");
        if (value is not (OrderedDictionary<string, object?> or List<object?> or object?[])
            || depth > Depth || key.Length > PickleReader.LongestName || all.Count > ParameterNames.MaximumTensors || !seen.Add(value))
            return;
        if (value is OrderedDictionary<string, object?> dictionary)
        {
            isOptimizer |= dictionary.ContainsKey("param_groups") && dictionary.ContainsKey("state");
            if (dictionary.Values.Any(item => item is PickledTensor)) all.Add(new(key, dictionary, isOptimizer));
            foreach (var (name, item) in dictionary)
                if (HasParts(item)) Collect(item, Joined(key, name), depth + 1, isOptimizer, seen, all, opaque);
            return;
        }
        foreach (var (index, item) in ((IEnumerable<object?>)value).Index())
            if (HasParts(item)) Collect(item, Joined(key, $"{index}"), depth + 1, isOptimizer, seen, all, opaque);

        static bool HasParts(object? item) => item is OrderedDictionary<string, object?> or List<object?> or object?[] or PickledOpaque;
    }

    private static string Joined(string key, string name) => key == "" ? name : $"{key}.{name}";

    private static string Description(object? value) => value switch
    {
        PickledTensor => "one tensor without a name",
        PickledOpaque opaque => $"an object of '{PickledText.Shown(opaque.Name)}', which is never looked up; "
            + "torch.save(model.state_dict(), path) in Python writes a file without it",
        OrderedDictionary<string, object?> dictionary =>
            $"a dictionary without tensors: [{string.Join(", ", dictionary.Take(20).Select(pair => pair.Value is PickledOpaque opaque
                ? $"{PickledText.Shown(pair.Key)} (an object of '{PickledText.Shown(opaque.Name)}', which is never looked up)"
                : PickledText.Shown(pair.Key)))}]",
        List<object?> or object?[] => "a list",
        _ => "one plain value",
    };
}
