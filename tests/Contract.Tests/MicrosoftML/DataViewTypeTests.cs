using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class DataViewTypeTests
{
    [Fact]
    public void Types_name_themselves()
    {
        Assert.Equal("Single", NumberDataViewType.Single.ToString());
        Assert.Equal("String", TextDataViewType.Instance.ToString());
        Assert.Equal("Boolean", BooleanDataViewType.Instance.ToString());
        Assert.Equal("Key<UInt32, 0-4>", new KeyDataViewType(typeof(uint), 5).ToString());
        Assert.Equal("Vector<Single, 3, 2>", new VectorDataViewType(NumberDataViewType.Single, 3, 2).ToString());
        Assert.Equal("Vector<Single>", new VectorDataViewType(NumberDataViewType.Single).ToString());
        Assert.Equal("Vector<Single, 2, *>", new VectorDataViewType(NumberDataViewType.Single, 2, 0).ToString());
    }

    [Fact]
    public void A_vector_types_size_is_the_product_of_its_dimensions()
    {
        var type = new VectorDataViewType(NumberDataViewType.Single, 3, 32, 32);
        Assert.Equal(3072, type.Size);
        Assert.True(type.IsKnownSize);
        Assert.Equal([3, 32, 32], type.Dimensions.ToArray());
        Assert.Equal(typeof(VBuffer<float>), type.RawType);
        Assert.False(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
    }

    [Fact]
    public void Equality_is_by_content()
    {
        Assert.True(new KeyDataViewType(typeof(uint), 5).Equals(new KeyDataViewType(typeof(uint), 5)));
        Assert.False(new KeyDataViewType(typeof(uint), 5).Equals(new KeyDataViewType(typeof(uint), 6)));
        Assert.False(new KeyDataViewType(typeof(uint), 5).Equals(new KeyDataViewType(typeof(ulong), 5)));
        Assert.True(new VectorDataViewType(NumberDataViewType.Single, 4).Equals(new VectorDataViewType(NumberDataViewType.Single, 4)));
        Assert.False(new VectorDataViewType(NumberDataViewType.Single, 4).Equals(new VectorDataViewType(NumberDataViewType.Single, 2, 2)));
        Assert.False(NumberDataViewType.Single.Equals(NumberDataViewType.Double));
    }

    [Fact]
    public void Wrong_types_are_refused()
    {
        Assert.Contains("Byte, UInt16, UInt32, or UInt64",
            Assert.Throws<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(int), 3)).Message);
        Assert.Contains("strictly positive, but got 0",
            Assert.Throws<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(uint), 0)).Message);
        Assert.Contains("must not exceed Byte.MaxValue",
            Assert.Throws<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 300)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new VectorDataViewType(NumberDataViewType.Single, -1));
    }

    [Fact]
    public void Row_ids_print_high_before_low_and_forks_differ()
    {
        var id = new DataViewRowId(0xab, 0xcd);
        Assert.Equal("00000000000000cd00000000000000ab", id.ToString());
        Assert.Equal(id, new DataViewRowId(0xab, 0xcd));
        Assert.NotEqual(id.Fork(), id.Next());
        Assert.Equal(id.Combine(new DataViewRowId(1, 2)), id.Combine(new DataViewRowId(1, 2)));
        Assert.NotEqual(id.Combine(new DataViewRowId(1, 2)), id.Combine(new DataViewRowId(1, 3)));
        Assert.True(new DataViewRowId(1, 0).CompareTo(new DataViewRowId(0, 1)) < 0);
    }
}
