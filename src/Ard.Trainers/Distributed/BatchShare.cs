namespace Ard.Trainers.Distributed;

/// <summary>
/// Which rows of a batch a process works on: every n-th from row r on for the process of rank r of n, so that a row stays with its process
/// where a batch is smaller than the others. A batch of fewer rows than processes leaves some without one: each of these works on a row of
/// another's, so that all do the same, and counts for nothing. The count is of all processes together.
/// </summary>
internal sealed record BatchShare(ProcessGroup Group, long Count)
{
    public bool IsAll => Group.Size == 1;

    /// <summary>How many of the rows that this process works on count.</summary>
    public long Own => (Count - Group.Rank + Group.Size - 1) / Group.Size;

    /// <summary>The numbers of this process's rows in the batch.</summary>
    public long[] Rows => Own == 0
        ? [Group.Rank % Count]
        : [.. Enumerable.Range(0, (int)Own).Select(i => Group.Rank + (long)i * Group.Size)];

    /// <summary>This process's rows of a tensor that has all rows of the batch.</summary>
    public Tensor Select(Tensor all) => IsAll ? all : all.index_select(0, tensor(Rows, dtype: ScalarType.Int64, device: all.device));

    /// <summary>Numbers without a graph that are means over a process's rows become those over the whole batch, in all of them.</summary>
    public Tensor Mean(Tensor means)
    {
        if (IsAll) return means;
        var numbers = means.to(ScalarType.Float64, CPU).contiguous().data<double>().ToArray();
        foreach (ref var number in numbers.AsSpan()) number = Own == 0 ? 0 : number * Own;
        Group.Sum(numbers);
        foreach (ref var number in numbers.AsSpan()) number /= Count;
        return tensor(numbers, means.shape, dtype: means.dtype, device: means.device);
    }

    public Tensor Least(Tensor value)
    {
        if (IsAll) return value;
        var each = new double[Group.Size];
        each[Group.Rank] = value.to(ScalarType.Float64).item<double>();
        Group.Sum(each);
        return tensor(each.Min(), dtype: value.dtype, device: value.device);
    }
}
