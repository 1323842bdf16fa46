using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class VBufferTests
{
    private static VBuffer<float> Sparse => new(5, 2, [1, 2], [1, 3]);

    [Fact]
    public void A_sparse_vector_has_defaults_between_its_values()
    {
        Assert.Equal([0, 1, 0, 2, 0], Sparse.DenseValues());
        Assert.Equal([1, 3], Sparse.Items().Select(i => i.Key));
        Assert.Equal([0, 1, 2, 3, 4], Sparse.Items(all: true).Select(i => i.Key));
        Assert.Equal(2, Sparse.GetItemOrDefault(3));
        Assert.Equal(0, Sparse.GetItemOrDefault(0));
        Assert.False(Sparse.IsDense);
        Assert.Equal("Sparse vector of size 5, 2 explicit values", Sparse.ToString());
        Assert.Equal([1, 3], Sparse.GetIndices().ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => Sparse.GetItemOrDefault(9));
    }

    [Fact]
    public void Copies_keep_values()
    {
        VBuffer<float> copy = default;
        Sparse.CopyToDense(ref copy);
        Assert.True(copy.IsDense);
        Assert.Equal(Sparse.DenseValues(), copy.DenseValues());
        Assert.Equal("Dense vector of size 5", copy.ToString());
        Sparse.CopyTo(ref copy, 1, 3);
        Assert.Equal([1, 0, 2], copy.DenseValues());
        var span = new float[7];
        Sparse.CopyTo(span, 1, -1);
        Assert.Equal([0, -1, 1, -1, 2, -1, 0], span);
        VBuffer<float>.Copy([1, 2, 3, 4], 1, ref copy, 2);
        Assert.Equal([2, 3], copy.DenseValues());
        default(VBuffer<float>).CopyTo(ref copy);
        Assert.Equal(0, copy.Length);
    }

    [Fact]
    public void A_copy_does_not_share_the_sources_array()
    {
        var values = new float[] { 1, 2 };
        VBuffer<float> copy = default;
        new VBuffer<float>(2, values).CopyTo(ref copy);
        values[0] = 9;
        Assert.Equal([1, 2], copy.DenseValues());
    }

    [Fact]
    public void The_editor_reuses_an_array_that_is_large_enough()
    {
        var buffer = new VBuffer<float>(3, [1, 2, 3]);
        var editor = VBufferEditor.Create(ref buffer, 2);
        Assert.False(editor.CreatedNewValues);
        editor.Values[0] = 7;
        buffer = editor.Commit();
        Assert.Equal([7, 2], buffer.DenseValues());
        var larger = VBufferEditor.Create(ref buffer, 9);
        Assert.True(larger.CreatedNewValues);
        var sparse = VBufferEditor.Create(ref buffer, 4, 1);
        sparse.Values[0] = 5;
        sparse.Indices[0] = 2;
        buffer = sparse.Commit();
        Assert.Equal([0, 0, 5, 0], buffer.DenseValues());
    }

    [Fact]
    public void Arrays_that_are_too_short_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new VBuffer<float>(3, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new VBuffer<float>(5, 2, new float[1], new int[2]));
    }
}
