namespace Ard.MLNet.Scoring;

/// <summary>A computation that makes new columns out of some columns of a row, many rows at a time.</summary>
internal abstract class BatchMapping
{
    /// <summary>The most rows that may go through at a time, so that neither a setting nor a file asks for memory without end.</summary>
    public const int MostRows = 1 << 16, UsualRows = 256;

    public abstract int BatchSize { get; }
    public abstract string Features { get; }
    public abstract PixelFormat Format { get; }

    /// <summary>The new columns, after a check of the columns that they are made of.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public abstract IReadOnlyList<DataViewSchema.DetachedColumn> NewColumns(DataViewSchema input);

    public abstract IReadOnlyList<DataViewSchema.Column> Inputs(DataViewSchema input);

    /// <summary>A place for a batch of so many rows, which come from where the inputs are active.</summary>
    public abstract Batch Open(DataViewRow row, int capacity);

    /// <summary>The columns of the input, then the new ones.</summary>
    public DataViewSchema OutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(NewColumns(inputSchema));
        return builder.ToSchema();
    }

    public IEnumerable<DataViewSchema.Column> Dependencies(DataViewSchema input, IEnumerable<DataViewSchema.Column> outputs)
    {
        var needed = outputs.ToArray();
        var own = needed.Where(column => column.Index < input.Count).Select(column => input[column.Index]);
        return (needed.Any(column => column.Index >= input.Count) ? own.Concat(Inputs(input)) : own).DistinctBy(column => column.Index)
            .ToArray();
    }

    /// <summary>Some rows and what became of them. For one thread.</summary>
    internal abstract class Batch : IDisposable
    {
        /// <summary>Takes the image of the row where the source stands; what the steps before throw comes through.</summary>
        public abstract void Fetch();

        /// <summary>Keeps that image, and the other inputs of the row.</summary>
        public abstract void Read(int slot);

        /// <summary>Makes the new columns of the first <paramref name="count"/> rows.</summary>
        public abstract void Compute(int count);

        /// <summary>A ValueGetter for the new column of this place; <paramref name="slot"/> gives the row that is asked for.</summary>
        public abstract Delegate Getter(int column, Func<int> slot);

        public abstract void Dispose();
    }
}
