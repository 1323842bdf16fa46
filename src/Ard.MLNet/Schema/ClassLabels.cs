namespace Ard.MLNet.Schema;

/// <summary>
/// The classes as the key type of the label column has them: how many, and what stands for them in the annotation KeyValues (text, numbers,
/// or nothing where the column has no such annotation).
/// </summary>
internal abstract class ClassLabels
{
    // More than any data set of images has; a hashed key has billions.
    private const ulong Most = 100_000;

    private const string KeyValues = "KeyValues";
    private const string TrainingLabelValues = "TrainingLabelValues";

    private static readonly Kind[] Kinds =
    [
        new Kind<ReadOnlyMemory<char>>("text", TextDataViewType.Instance, static value => value.ToString(), static text => text.AsMemory()),
        new Kind<bool>("bool", BooleanDataViewType.Instance, static value => value ? "true" : "false", bool.Parse),
        Number<sbyte>("sbyte", NumberDataViewType.SByte), Number<byte>("byte", NumberDataViewType.Byte),
        Number<short>("short", NumberDataViewType.Int16), Number<ushort>("ushort", NumberDataViewType.UInt16),
        Number<int>("int", NumberDataViewType.Int32), Number<uint>("uint", NumberDataViewType.UInt32),
        Number<long>("long", NumberDataViewType.Int64), Number<ulong>("ulong", NumberDataViewType.UInt64),
        Number<float>("float", NumberDataViewType.Single), Number<double>("double", NumberDataViewType.Double),
    ];

    private ClassLabels(IReadOnlyList<string> names, string? kind) => (Names, KindName) = (names, kind);

    public int Count => Names.Count;

    /// <summary>The values as texts; the classes' numbers, from 0, where there are none.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The type of the values: text, int …; null where there are none.</summary>
    public string? KindName { get; }

    public KeyDataViewType KeyType => new(typeof(uint), Count);

    /// <summary>Whether two columns number the same classes in the same order. Columns without values are compared by the count.</summary>
    public bool Matches(ClassLabels other) =>
        Count == other.Count
            && (KindName is null || other.KindName is null || (KindName == other.KindName && Names.SequenceEqual(other.Names)));

    /// <summary>Whether all of these are among others, in whatever order. Columns without values are compared by the count.</summary>
    public bool AreAmong(ClassLabels others) =>
        KindName is null || others.KindName is null ? Count == others.Count
            : KindName == others.KindName && Names.All(others.Names.Contains);

    /// <summary>For messages, such as <c>3 classes (cat, dog, ship)</c>.</summary>
    public override string ToString() => $"{Count} classes" + (KindName is null ? ""
        : $" ({string.Join(", ", Names.Take(10))}{(Count > 10 ? " …" : "")})");

    /// <summary>For messages about classes that do not match others: themselves, and what to do where only the order differs.</summary>
    public string InOtherOrder(ClassLabels other) => ToString()
        + (KindName == other.KindName && Names.Order().SequenceEqual(other.Names.Order())
            ? ", the same in another order; transform both data sets with one fitted MapValueToKey, "
                + "or give it KeyOrdinality.ByValue each time"
            : "");

    /// <summary>Adds the values as an annotation; nothing where there are none.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder annotations, string name = KeyValues);

    /// <summary>A column with a value in each row; null where there are none.</summary>
    public abstract TableDataView.Column? ValueColumn(string name);

    /// <summary>
    /// What gives the class of a row's label, from 0, of a column of keys or of the values; -1 where it is missing or none of the classes.
    /// </summary>
    public Func<long> Open(DataViewRow row, DataViewSchema.Column label)
    {
        if (label.Type is not KeyDataViewType) return OpenValues(row, label);
        var get = row.GetGetter<uint>(label);
        uint key = 0;
        return () =>
        {
            get(ref key);
            return key <= Count ? (long)key - 1 : -1;
        };
    }

    protected abstract Func<long> OpenValues(DataViewRow row, DataViewSchema.Column label);
    public static bool CanName(DataViewType type) => Array.Exists(Kinds, kind => kind.Type.Equals(type));

    /// <summary>Reads them from a label column.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is not a key of at least two classes.</exception>
    /// <exception cref="NotSupportedException">The values are of a type that no classifier's label has.</exception>
    public static ClassLabels Read(DataViewSchema.Column label)
    {
        if (label.Type is not KeyDataViewType { RawType: var raw, Count: var count } || raw != typeof(uint))
            throw SchemaErrors.Mismatch("label", label.Name, "Key<UInt32>", label.Type + SchemaErrors.KeyHint(label.Name));
        if (count is < 2 or > Most)
            throw SchemaErrors.Mismatch("label", label.Name, $"a key of 2 to {Most} classes", $"{label.Type} with {count}");
        if (label.Annotations.Schema.GetColumnOrNull(KeyValues)?.Type is not VectorDataViewType { Size: var size, ItemType: var item }
            || size != (int)count)
            return Unnamed((int)count);
        var kind = Array.Find(Kinds, kind => kind.Type.Equals(item))
            ?? throw new NotSupportedException(
                $"Label column '{label.Name}': values of type {item} are not supported, expected text, numbers or truth values.");
        return kind.Read(label.Annotations, KeyValues);
    }

    /// <summary>The same; null of a column that it refuses.</summary>
    public static ClassLabels? ReadOrNull(DataViewSchema.Column label)
    {
        try
        {
            return Read(label);
        }
        catch (Exception exception) when (exception is ArgumentOutOfRangeException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The classes of a column of scores in their order, as ML.NET's trainers write them beside it; null without them.</summary>
    public static ClassLabels? OfScores(DataViewSchema.Column scores) =>
        scores.Type is VectorDataViewType { Size: var count }
        && scores.Annotations.Schema.GetColumnOrNull(TrainingLabelValues)?.Type is VectorDataViewType { Size: var size, ItemType: var item }
        && size == count ? Array.Find(Kinds, kind => kind.Type.Equals(item))?.Read(scores.Annotations, TrainingLabelValues) : null;

    public static ClassLabels Unnamed(int count) => new WithoutValues(count);

    /// <summary>What <see cref="Names"/> and <see cref="KindName"/> were.</summary>
    /// <exception cref="FormatException">They do not make classes.</exception>
    public static ClassLabels Parse(IReadOnlyList<string> names, string? kindName)
    {
        if (names.Count < 2) throw new FormatException($"Expected 2 or more classes, found {names.Count}.");
        if (kindName is null) return Unnamed(names.Count);
        var kind = Array.Find(Kinds, kind => kind.Name == kindName)
            ?? throw new FormatException($"Unknown type of class values '{kindName}'.");
        return kind.Parse(names);
    }

    public static ClassLabels Texts(IReadOnlyList<string> names) => Kinds[0].Parse(names);

    private static Kind<T> Number<T>(string name, PrimitiveDataViewType type) where T : IFormattable, IParsable<T> =>
        new(name, type, static value => value.ToString(null, CultureInfo.InvariantCulture),
            static text => T.Parse(text, CultureInfo.InvariantCulture));

    private abstract record Kind(string Name, PrimitiveDataViewType Type)
    {
        public abstract ClassLabels Read(DataViewSchema.Annotations annotations, string name);
        public abstract ClassLabels Parse(IReadOnlyList<string> names);
    }

    private sealed record Kind<T>(string Name, PrimitiveDataViewType Type, Func<T, string> Text, Func<string, T> Value) : Kind(Name, Type)
    {
        public override ClassLabels Read(DataViewSchema.Annotations annotations, string name)
        {
            VBuffer<T> values = default;
            annotations.GetValue(name, ref values);
            return new WithValues<T>(this, [.. values.DenseValues()]);
        }

        public override ClassLabels Parse(IReadOnlyList<string> names) => new WithValues<T>(this, [.. names.Select(Value)]);
    }

    private sealed class WithoutValues(int count)
        : ClassLabels([.. Enumerable.Range(0, count).Select(number => number.ToString(CultureInfo.InvariantCulture))], null)
    {
        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string name)
        {
        }

        public override TableDataView.Column? ValueColumn(string name) => null;

        protected override Func<long> OpenValues(DataViewRow row, DataViewSchema.Column label) =>
            throw new InvalidOperationException("These classes have no values.");
    }

    private sealed class WithValues<T>(Kind<T> kind, T[] values) : ClassLabels([.. values.Select(kind.Text)], kind.Name)
    {
        public override void AddTo(DataViewSchema.Annotations.Builder annotations, string name) => annotations.Add(
            name, new VectorDataViewType(kind.Type, values.Length), (ref VBuffer<T> value) =>
                VBuffer<T>.Copy(values, 0, ref value, values.Length));

        public override TableDataView.Column ValueColumn(string name) =>
            TableDataView.Of(name, kind.Type, (int row, ref T value) => value = values[row]);

        protected override Func<long> OpenValues(DataViewRow row, DataViewSchema.Column label)
        {
            var places = Names.Index().ToDictionary(pair => pair.Item, pair => (long)pair.Index);
            var get = row.GetGetter<T>(label);
            T value = default!;
            return () =>
            {
                get(ref value);
                return places.GetValueOrDefault(kind.Text(value), -1);
            };
        }
    }
}
