namespace Ard.Trainers.Attacks;

/// <summary>Fields that live through the steps of a loop, each with a dispose scope, from which what is called moves them.</summary>
internal static class StepTensors
{
    /// <summary>Puts a value that the step has made in the place of the old one, which is freed.</summary>
    public static void Replace(ref Tensor field, Tensor value)
    {
        field.Dispose();
        field = value.MoveToOuterDisposeScope();
    }

    /// <summary>Leaves those rows of the field [n,...], int64 [m].</summary>
    public static void Select(ref Tensor field, Tensor rows) => Replace(ref field, field.index_select(0, rows));

    public static void Select(ref Tensor first, ref Tensor second, ref Tensor third, Tensor rows)
    {
        Select(ref first, rows);
        Select(ref second, rows);
        Select(ref third, rows);
    }

    /// <summary>Keeps those images in a batch, bool [n]: their rows, int64 [n], and their noise. One wait for the device.</summary>
    /// <returns>Where in the batch they were, int64 [m]; null where all of them are kept.</returns>
    public static Tensor? Keep(Tensor which, ref Tensor rows, ref PointNoise noise)
    {
        var left = TruePlaces(which);
        if (left.Length == rows.shape[0]) return null;
        noise = noise.Select(left);
        var places = Index(left, rows);
        Select(ref rows, places);
        return places;
    }

    /// <summary>Where a mask [n] is true: one wait for the device.</summary>
    public static long[] TruePlaces(Tensor mask)
    {
        var values = mask.cpu().data<bool>().ToArray();
        return [.. PointNoise.Rows(values.Length).Where(row => values[row])];
    }

    public static Tensor Index(long[] rows, Tensor beside) => tensor(rows, dtype: ScalarType.Int64, device: beside.device);
}
